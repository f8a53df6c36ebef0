"""Agents that run elsewhere: made, served by any runner, changed and stopped."""

import ssl
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from ag2trust.ports import free_port
from ag2trust.self_signed import self_signed
from ag2trust.testing import BusAs
from ag2trust.waiting import until
from ag2trust_sandbox import fingerprint
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    RESTART_AGENT,
    STOP_AGENT,
    AgentStatus,
    CreateAgent,
    DesiredState,
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
    InvalidError,
    NoExternalListenerError,
    ProviderGoneError,
    UnavailableError,
)
from shared.ids import new_id

from .outside import Outside, call, refusal
from .runner_house import ACTOR

pytestmark = pytest.mark.integration

KEY = "sk-of-a-test-1234"


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
