"""Tokens of external agents: given, replaced, revoked, and good for one door alone."""

from collections.abc import Callable
from time import monotonic

import pytest

from ag2trust.ports import free_port
from ag2trust.waiting import until
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import (
    DELETE_AGENT,
    GET_AGENT,
    START_AGENT,
    STOP_AGENT,
)
from shared.errors import AgentIsHostedError, AgentNotFoundError

from .neighbours import FakeRuntime
from .outside import Outside, call, refusal, refused
from .runner_house import running

pytestmark = pytest.mark.integration


async def test_a_stop_suspends_its_token_and_a_start_restores_it(one: Outside) -> None:
    agent, token = await one.made()

    await one.tell(STOP_AGENT, agent)
    await refused(agent, token)
    await one.tell(START_AGENT, agent)

    await until("an answer", lambda: refusal(agent, token), lambda code: code is None)


async def test_a_token_is_rotated_and_revoked(
    one: Outside, record_property: Callable[[str, object], None]
) -> None:
    agent, first = await one.made()
    second, third = new_token(), new_token()

    told = await one.give(agent, second)
    await refused(agent, first)
    answer = await call(agent, second)
    await one.give(agent, None)
    revoked = monotonic()
    await refused(agent, second)
    took = monotonic() - revoked
    await one.give(agent, third)

    record_property("refused after a token was revoked", f"{took:.2f} s")
    assert told.base_urls == agent.base_urls
    assert answer
    assert await call(agent, third)


async def test_a_revocation_that_no_signal_tells_of_is_found_in_the_record(
    one: Outside,
) -> None:
    agent, token = await one.made()
    await call(agent, token)
    database = await one.stack.connect()

    async with database.transaction():
        await database.execute(
            "UPDATE agent_runner.agent SET token_hash = NULL WHERE id = $1", agent.id
        )
        await database.execute(
            """
            WITH next AS (
                UPDATE agent_runner.external_change_number
                SET number = number + 1
                RETURNING number
            )
            UPDATE agent_runner.external_agent_change c
            SET number = next.number
            FROM next
            WHERE agent_id = $1
            """,
            agent.id,
        )
    await database.close()

    await refused(agent, token)


async def test_a_deleted_one_is_gone_with_its_token(one: Outside) -> None:
    agent, token = await one.made()

    await one.tell(DELETE_AGENT, agent)

    await refused(agent, token)
    with pytest.raises(AgentNotFoundError):
        await one.tell(GET_AGENT, agent)


async def test_a_hosted_agent_is_given_no_token(one: Outside) -> None:
    hosted = await one.house.make_agent("hosted")

    with pytest.raises(AgentIsHostedError):
        await one.give(hosted, new_token())


async def test_the_token_of_a_hosted_agent_does_not_count_at_the_external_door(
    outside: Outside,
) -> None:
    runtime, port = FakeRuntime(), free_port()
    outside.house.runtime = runtime
    async with running(outside.stack, runtime, external_port=port):
        hosted = await outside.house.make_agent("hosted")
        puppet = await outside.house.start(hosted.id)
        external, _ = await outside.made()
        token = puppet.launch.environment["AG2TRUST_AGENT_TOKEN"]

        assert await refusal(external, token) == "INVALID_AGENT_TOKEN"


async def test_the_agent_protocol_is_not_spoken_at_the_external_door(
    one: Outside,
) -> None:
    agent, token = await one.made()
    assert agent.base_urls
    url = agent.base_urls.openai.removesuffix("/openai/v1")

    async with one.house.session.get(
        f"{url}/agent/v1/configuration", headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        code = answer.headers["x-ag2trust-error"]

    assert code == "PATH_NOT_ALLOWED"


async def test_only_hashes_of_tokens_are_stored(one: Outside) -> None:
    agent, token = await one.made()
    database = await one.stack.connect()

    stored = await database.fetchrow(
        "SELECT a::text AS words, token_hash FROM agent_runner.agent a WHERE id = $1",
        agent.id,
    )

    await database.close()
    assert stored
    assert stored["token_hash"] == hash_token(token)
    assert token not in stored["words"]
