"""Agents that run elsewhere: let in, shut out, and served by any runner."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from openai import APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient

from ag2trust.ports import free_port
from ag2trust.self_signed import self_signed
from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, fingerprint, serving
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    REPLACE_TOKEN,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    Agent,
    AgentStatus,
    CreateAgent,
    DesiredState,
    ReplaceToken,
)
from shared.contracts.agent_types import (
    UPDATE_AGENT_TYPE,
    AgentTypePatch,
    UpdateAgentType,
)
from shared.contracts.base import PageQuestion
from shared.contracts.conversations import ASK_AGENT_TYPE, AskAgentType
from shared.contracts.credentials import PROVIDER_CHANGED, ProviderChanged
from shared.contracts.routes import Fallback
from shared.errors import (
    AgentIsExternalError,
    AgentIsHostedError,
    AgentNotFoundError,
    InvalidError,
    NoExternalListenerError,
    ProviderGoneError,
    UnavailableError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration

KEY = "sk-of-a-test-1234"
HELLO: Any = [{"role": "user", "content": "Hello!"}]


@dataclass
class Outside:
    """An installation whose runners listen for external agents."""

    stack: Stack
    house: House
    sandbox: Sandbox

    def runner(self, name: str, **more: Any) -> AbstractAsyncContextManager[None]:
        settings = {
            "name": name,
            "state_folder": self.stack.folder / name,
            "proxy_port": free_port(),
            "external_port": free_port(),
            **more,
        }
        return running(self.stack, FakeRuntime(), **settings)

    async def made(self, name: str = "ada", **fields: Any) -> tuple[Agent, str]:
        """Make an external agent; return it with its token."""
        token = new_token()
        question = CreateAgent(
            org_id=self.house.org_id,
            actor=ACTOR,
            agent_id=new_id(),
            name=name,
            agent_type_id=await self.made_type(name, **fields),
            token_hash=hash_token(token),
        )
        return await self.house.bus.ask(CREATE_AGENT, question), token

    async def made_type(self, name: str, **fields: Any) -> UUID:
        return await self.house.make_agent_type(name, runtime="external", **fields)

    async def tell(self, endpoint: Any, agent: Agent) -> Any:
        return await self.house.bus.ask(endpoint, self.house.question(agent.id))

    async def give(self, agent: Agent, token: str | None) -> Agent:
        return await self.house.bus.ask(
            REPLACE_TOKEN,
            ReplaceToken(
                org_id=self.house.org_id,
                actor=ACTOR,
                agent_id=agent.id,
                token_hash=hash_token(token) if token else None,
            ),
        )


@pytest.fixture
async def outside(stack: Stack, bus_as: BusAs) -> AsyncIterator[Outside]:
    async with (
        serving() as sandbox,
        open_neighbourhood(stack, bus_as, FakeRuntime()) as house,
    ):
        house.credentials.base_url = sandbox.base_url
        yield Outside(stack, house, sandbox)


@pytest.fixture
async def one(outside: Outside) -> AsyncIterator[Outside]:
    """Run one runner."""
    async with outside.runner("runner-1"):
        yield outside


async def call(agent: Agent, token: str, *, port: int | None = None) -> str:
    """Make a model call with the official SDK; *port* is that of another runner."""
    assert agent.base_urls
    url = agent.base_urls.openai
    if port is not None:
        url = f"http://127.0.0.1:{port}/openai/v1"
    async with AsyncOpenAI(base_url=url, api_key=token, max_retries=0) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    return answer.choices[0].message.content or ""


async def refusal(agent: Agent, token: str, *, port: int | None = None) -> str | None:
    """Return the code that a call is refused with, or None if it is answered."""
    try:
        await call(agent, token, port=port)
    except APIStatusError as error:
        code: str = error.response.headers["x-ag2trust-error"]
        return code
    return None


async def refused(agent: Agent, token: str) -> None:
    """Wait until the token counts no more."""
    await until(
        "a token refused",
        lambda: refusal(agent, token),
        lambda code: code == "INVALID_AGENT_TOKEN",
    )


async def test_an_external_agent_calls_with_an_unmodified_sdk_once_it_is_made(
    one: Outside,
) -> None:
    agent, token = await one.made()

    answer = await call(agent, token)

    assert "You said: Hello!" in answer
    assert one.sandbox.requests[0].headers["authorization"] == (
        f"Bearer {fingerprint(KEY)}"
    )
    assert (agent.status, agent.desired_state) == (
        AgentStatus.RUNNING,
        DesiredState.RUNNING,
    )
    assert (agent.is_external, agent.runner) == (True, None)
    assert agent.base_urls
    assert agent.base_urls.openai.endswith("/openai/v1")


async def test_its_uses_are_written_when_it_is_made_and_gone_when_it_is_stopped(
    one: Outside,
) -> None:
    agent, _ = await one.made()
    used = one.house.credentials.uses[agent.id]

    stopped = await one.tell(STOP_AGENT, agent)

    assert used == {one.house.provider_id}
    assert one.house.credentials.uses[agent.id] == set()
    assert stopped.status is AgentStatus.STOPPED


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


async def test_any_runner_serves_any_external_agent_under_a_lease_of_its_own(
    outside: Outside,
) -> None:
    ports = [free_port(), free_port()]
    async with (
        outside.runner("runner-1", external_port=ports[0]),
        outside.runner("runner-2", external_port=ports[1]),
    ):
        made = [await outside.made(name) for name in ("ada", "bob")]
        for agent, token in made:
            for port in ports:
                assert await call(agent, token, port=port)
        leased = outside.house.credentials.leased

    assert leased == len(ports)


async def test_a_changed_key_is_used_at_the_next_call(one: Outside) -> None:
    agent, token = await one.made()
    await call(agent, token)
    one.house.credentials.secrets[one.house.provider_id] = "sk-another-one-567"

    async def key() -> str:
        await call(agent, token)
        sent: str = one.sandbox.requests[-1].headers["authorization"]
        return sent

    async with BusAs(one.stack.servers.nats_url)(PROVIDER_CHANGED.sender) as bus:
        changed = ProviderChanged(
            org_id=one.house.org_id, provider_id=one.house.provider_id
        )
        await bus.signal(PROVIDER_CHANGED, changed, key=one.house.org_id)

        wanted = f"Bearer {fingerprint('sk-another-one-567')}"
        await until("the other key", key, lambda sent: sent == wanted)


async def test_messages_to_it_are_refused(one: Outside) -> None:
    agent, _ = await one.made("ada")
    question = AskAgentType(
        org_id=one.house.org_id,
        actor=ACTOR,
        message_id=new_id(),
        slug="ada",
        content="Hello?",
    )

    with pytest.raises(AgentIsExternalError):
        await one.house.submit(agent.id, "Hello?")
    with pytest.raises(AgentIsExternalError):
        await one.house.bus.ask(ASK_AGENT_TYPE, question)


async def test_what_makes_no_sense_for_an_external_type_is_refused(
    one: Outside,
) -> None:
    for fields in (
        {"credential_delivery": "environment"},
        {"runner_labels": {"zone": "eu"}},
    ):
        with pytest.raises(InvalidError) as told:
            await one.made(**fields)
        assert next(iter(fields)) in str(told.value.details)


async def test_a_type_stays_external_or_not(one: Outside) -> None:
    hosted = await one.house.make_agent("hosted")
    external, _ = await one.made()

    for agent, runtime in ((hosted, "external"), (external, "process")):
        patch = AgentTypePatch.model_validate({"runtime": runtime})
        with pytest.raises(InvalidError):
            await one.house.bus.ask(
                UPDATE_AGENT_TYPE,
                UpdateAgentType(
                    org_id=one.house.org_id,
                    actor=ACTOR,
                    agent_type_id=agent.agent_type_id,
                    patch=patch,
                ),
            )


async def test_a_restart_is_its_way_to_the_newest_version_of_its_type(
    one: Outside,
) -> None:
    agent, token = await one.made()
    await one.house.bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=one.house.org_id,
            actor=ACTOR,
            agent_type_id=agent.agent_type_id,
            patch=AgentTypePatch(model="gpt-5"),
        ),
    )
    before = await one.tell(GET_AGENT, agent)
    still = await call(agent, token)

    await one.tell(RESTART_AGENT, agent)

    after = await one.tell(GET_AGENT, agent)
    assert still
    assert (before.restart_required, after.restart_required) == (True, False)

    await until(
        "another model refused",
        lambda: refusal(agent, token),
        lambda code: code == "MODEL_NOT_ALLOWED",
    )


async def test_without_its_provider_none_is_left_behind(one: Outside) -> None:
    agent_type_id = await one.made_type("ada")
    one.house.credentials.secrets.clear()

    with pytest.raises(ProviderGoneError):
        await one.house.bus.ask(CREATE_AGENT, creation(one, agent_type_id))

    page = await one.house.bus.ask(
        LIST_AGENTS, PageQuestion(org_id=one.house.org_id, actor=ACTOR)
    )
    assert page.data == []


async def test_without_the_credentials_service_it_can_be_made_later(
    one: Outside,
) -> None:
    again = creation(one, await one.made_type("ada"))
    one.house.credentials.refuse_claims = True
    with pytest.raises(UnavailableError):
        await one.house.bus.ask(CREATE_AGENT, again)
    one.house.credentials.refuse_claims = False

    made = await one.house.bus.ask(CREATE_AGENT, again)

    assert made.status is AgentStatus.RUNNING


def creation(outside: Outside, agent_type_id: UUID) -> CreateAgent:
    return CreateAgent(
        org_id=outside.house.org_id,
        actor=ACTOR,
        agent_id=new_id(),
        name="ada",
        agent_type_id=agent_type_id,
        token_hash=hash_token(new_token()),
    )


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


async def test_beyond_loopback_the_runner_speaks_tls(
    outside: Outside, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate)
    tls = {"external_tls_certificate": certificate, "external_tls_key": key}

    async with outside.runner("runner-1", **tls):
        agent, token = await outside.made()
        assert agent.base_urls
        async with AsyncOpenAI(
            base_url=agent.base_urls.openai,
            api_key=token,
            http_client=DefaultAsyncHttpxClient(verify=trusting),
        ) as client:
            models = [each.id async for each in client.models.list()]
        plain = agent.base_urls.openai.replace("https", "http")
        with pytest.raises(aiohttp.ClientError):
            await outside.house.session.get(f"{plain}/models")

    assert agent.base_urls.openai.startswith("https://127.0.0.1:")
    assert models == ["gpt-4o"]


async def test_without_a_listener_no_external_agent_can_be_made(
    outside: Outside,
) -> None:
    async with outside.runner("runner-1", external_port=None):
        with pytest.raises(NoExternalListenerError):
            await outside.made()


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


async def test_every_act_is_noted(one: Outside) -> None:
    agent, _ = await one.made()
    await one.give(agent, new_token())
    await one.give(agent, None)
    await one.tell(STOP_AGENT, agent)
    database = await one.stack.connect()

    rows = await database.fetch(
        "SELECT act FROM agent_runner.audit WHERE object_id = $1 ORDER BY id",
        UUID(str(agent.id)),
    )

    await database.close()
    assert [row["act"] for row in rows] == [
        "agent.created",
        "agent.token_replaced",
        "agent.token_revoked",
        "agent.stopped",
    ]


async def test_changed_fallbacks_are_its_own_at_once(one: Outside) -> None:
    agent, token = await one.made()
    other = new_id()
    one.house.credentials.secrets[other] = "sk-of-the-fallback"

    await one.house.bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=one.house.org_id,
            actor=ACTOR,
            agent_type_id=agent.agent_type_id,
            patch=AgentTypePatch(
                fallbacks=[Fallback(provider_id=other, model="gpt-5")]
            ),
        ),
    )

    used = one.house.credentials.uses[agent.id]
    after = await one.tell(GET_AGENT, agent)
    assert used == {one.house.provider_id, other}
    assert not after.restart_required
    assert await call(agent, token)
