"""The fallbacks of agent types: who may be asked, and what of it holds at once."""

from typing import Any
from uuid import UUID

import pytest

from ag2trust.waiting import until
from shared.bus import NatsBus
from shared.contracts.agent_runner import (
    GET_AGENT,
    START_AGENT,
    Agent,
    AgentStatus,
)
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    MODELS_IN_USE,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    AgentTypeQuestion,
    ModelsQuestion,
    UpdateAgentType,
)
from shared.contracts.credentials import (
    PROVIDER_CHANGED,
    ClaimUses,
    LeaseRequest,
    ProviderChanged,
)
from shared.errors import (
    InvalidError,
    ProviderGoneError,
    ProviderNotFoundError,
    UnavailableError,
)
from shared.ids import new_id

from .runner_house import ACTOR, House

pytestmark = pytest.mark.integration


@pytest.fixture
def other(house: House) -> UUID:
    """Give a second provider, which nobody uses yet."""
    provider_id = new_id()
    house.credentials.secrets[provider_id] = "sk-of-the-fallback"
    return provider_id


def to(provider_id: UUID, model: str = "gpt-4o-mini") -> list[dict[str, Any]]:
    return [{"provider_id": str(provider_id), "model": model}]


async def change(house: House, agent: Agent, **fields: Any) -> AgentType:
    return await house.bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=agent.agent_type_id,
            patch=AgentTypePatch.model_validate(fields),
        ),
    )


async def change_provider(house: House, bus: NatsBus) -> None:
    await bus.signal(
        PROVIDER_CHANGED,
        ProviderChanged(org_id=house.org_id, provider_id=house.provider_id),
    )


async def test_a_type_tells_its_fallbacks_in_their_order(
    house: House, other: UUID
) -> None:
    fallbacks = [*to(other, "first"), *to(other, "second"), *to(house.provider_id)]
    agent_type_id = await house.make_agent_type("ada", fallbacks=fallbacks)

    told = await house.bus.ask(
        GET_AGENT_TYPE,
        AgentTypeQuestion(
            org_id=house.org_id, actor=ACTOR, agent_type_id=agent_type_id
        ),
    )

    assert [each.model_dump(mode="json") for each in told.fallbacks] == fallbacks


async def test_a_fallback_must_be_there(house: House) -> None:
    with pytest.raises(ProviderNotFoundError):
        await house.make_agent_type("ada", fallbacks=to(new_id()))


async def test_a_running_agent_uses_its_fallbacks_too(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent(fallbacks=to(other))

    await house.start(agent.id)

    assert house.credentials.uses[agent.id] == {house.provider_id, other}


async def test_an_agent_whose_fallback_is_gone_does_not_start(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent(fallbacks=to(other))
    del house.credentials.secrets[other]

    with pytest.raises(ProviderGoneError):
        await house.bus.ask(START_AGENT, house.question(agent.id))


async def test_changed_fallbacks_hold_for_running_agents_at_once(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    async def used() -> set[UUID]:
        return house.credentials.uses[agent.id]

    await change(house, agent, fallbacks=to(other))
    await house.holds(used, {house.provider_id, other})
    await change(house, agent, fallbacks=[])
    await house.holds(used, {house.provider_id})

    after = await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert not after.restart_required
    assert house.runtime.launches == 1


async def test_what_is_sent_and_stays_as_it_was_needs_no_restart(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    same: dict[str, Any] = {"model": "gpt-4o", "system_prompt": "", "tools": []}
    await change(house, agent, **same, limits={"tool_calls_per_minute": 9})

    after = await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert not after.restart_required


async def test_changed_fallbacks_hold_once_they_can_be_claimed(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    async def used() -> set[UUID]:
        return house.credentials.uses[agent.id]

    async def refuse_once(_: ClaimUses) -> None:
        house.credentials.claiming = None
        raise UnavailableError("Not now.")

    house.credentials.claiming = refuse_once
    await change(house, agent, fallbacks=to(other))

    await house.holds(used, {house.provider_id, other})
    assert house.credentials.claiming is None


async def test_what_needs_a_restart_still_says_so_after_what_does_not(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    await change(house, agent, system_prompt="Be brief.")
    await change(house, agent, fallbacks=to(other))

    after = await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert after.restart_required


async def test_a_residency_is_checked_at_every_change(
    house: House, other: UUID
) -> None:
    agent = await house.make_agent(fallbacks=to(other))

    with pytest.raises(InvalidError) as refused:
        await change(house, agent, residency={"provider_types": ["bedrock"]})
    changed = await change(house, agent, residency={"regions": ["127.0.0.1"]})
    kept = await change(house, agent, temperature=0.5)
    cleared = await change(house, agent, residency=None)

    assert "fallbacks.0" in str(refused.value.details)
    assert kept.residency == changed.residency
    assert cleared.residency is None


async def test_the_model_of_a_fallback_is_in_use(house: House, other: UUID) -> None:
    await house.make_agent_type("ada", fallbacks=to(other, "gpt-9"))

    used = await house.bus.ask(
        MODELS_IN_USE,
        ModelsQuestion(org_id=house.org_id, actor=ACTOR, provider_id=other),
    )

    assert used.models == ["gpt-9"]


async def test_of_a_disabled_provider_without_fallback_messages_are_acknowledged(
    house: House, credentials_bus: NatsBus
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    house.credentials.disabled.add(house.provider_id)
    await change_provider(house, credentials_bus)
    waiting = await house.until(agent.id, AgentStatus.ACK_ONLY)
    house.credentials.disabled.clear()
    await change_provider(house, credentials_bus)

    assert waiting.status_reason
    assert waiting.status_reason.code == "PROVIDER_DISABLED"
    await house.until(agent.id, AgentStatus.RUNNING)
    assert house.runtime.launches == 1


async def test_an_agent_is_not_launched_that_nobody_serves(
    house: House, other: UUID
) -> None:
    house.credentials.disabled |= {house.provider_id, other}
    agent = await house.make_agent(fallbacks=to(other))

    await house.bus.ask(START_AGENT, house.question(agent.id))

    await house.until(agent.id, AgentStatus.ACK_ONLY)
    assert not house.runtime.launched


async def test_with_a_fallback_an_agent_of_a_disabled_provider_is_at_work(
    house: House, other: UUID
) -> None:
    house.credentials.disabled.add(house.provider_id)
    agent = await house.make_agent(fallbacks=to(other))

    puppet = await house.start(agent.id)

    accepted = await house.submit(agent.id, "Hello?")
    assert (await puppet.next())["message_id"] == str(accepted.message_id)


async def test_calls_come_with_the_key_that_a_process_was_given_at_last(
    house: House, other: UUID, credentials_bus: NatsBus
) -> None:
    """Replace the provider's key between its lease and the launch."""
    credentials = house.credentials
    agent = await house.make_agent(fallbacks=to(other))

    async def replace_key(request: LeaseRequest) -> None:
        if request.provider_id == other:
            credentials.leasing, before = None, credentials.leased
            credentials.secrets[house.provider_id] = "sk-that-came-meanwhile"
            await change_provider(house, credentials_bus)
            await until(
                "a renewal", lambda: credentials.leased, lambda now: now > before + 1
            )

    credentials.leasing = replace_key
    puppet = await house.start(agent.id)
    environment = puppet.launch.environment

    async with house.session.post(
        f"{environment['OPENAI_BASE_URL']}/chat/completions",
        headers={"Authorization": f"Bearer {environment['OPENAI_API_KEY']}"},
        json={"model": "gpt-4o", "messages": []},
    ) as answer:
        assert answer.headers["x-ag2trust-error"] == "UPSTREAM_UNREACHABLE"
    assert environment["OPENAI_API_KEY"] == "sk-that-came-meanwhile"


async def test_a_provider_that_has_moved_out_of_the_residency_gets_no_call(
    house: House, credentials_bus: NatsBus
) -> None:
    agent = await house.make_agent(residency={"regions": ["127.0.0.1"]})
    puppet = await house.start(agent.id)
    environment = puppet.launch.environment

    async def code() -> str:
        async with house.session.post(
            f"{environment['OPENAI_BASE_URL']}/chat/completions",
            headers={"Authorization": f"Bearer {environment['OPENAI_API_KEY']}"},
            json={"model": "gpt-4o", "messages": []},
        ) as answer:
            return str(answer.headers["x-ag2trust-error"])

    before = await code()
    house.credentials.base_url = "http://localhost:1/v1"
    await change_provider(house, credentials_bus)

    await house.holds(code, "RESIDENCY_VIOLATED")
    assert before == "UPSTREAM_UNREACHABLE"
