"""Agents that are renamed, or given another type."""

from uuid import UUID

import pytest

from shared.contracts.agent_runner import (
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    UPDATE_AGENT,
    Agent,
    AgentPatch,
    AgentStatus,
    UpdateAgent,
)
from shared.contracts.agent_types import DELETE_AGENT_TYPE, AgentTypeQuestion
from shared.errors import (
    AgentNotFoundError,
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    NameTakenError,
    PreconditionFailedError,
)
from shared.ids import new_id

from .runner_house import ACTOR, House

pytestmark = pytest.mark.integration


async def change(
    house: House, agent_id: UUID, patch: AgentPatch, if_version: int | None = None
) -> Agent:
    return await house.bus.ask(
        UPDATE_AGENT,
        UpdateAgent(
            org_id=house.org_id,
            actor=ACTOR,
            agent_id=agent_id,
            patch=patch,
            if_version=if_version,
        ),
    )


async def test_a_name_changes_at_once(house: House) -> None:
    agent = await house.make_agent()

    renamed = await change(house, agent.id, AgentPatch(name="bob"))

    assert renamed.name == "bob"
    assert renamed.version == agent.version + 1


async def test_a_running_agent_has_another_type_from_its_restart_on(
    house: House,
) -> None:
    agent = await house.make_agent()
    other = await house.make_agent_type("other", model="gpt-5")
    first = await house.start(agent.id)

    changed = await change(house, agent.id, AgentPatch(agent_type_id=other))
    _, before = await first.get("configuration")
    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    second = await house.launched()
    await second.speak()
    restarted = await house.until(agent.id, AgentStatus.RUNNING)
    _, after = await second.get("configuration")

    assert (changed.agent_type_id, changed.restart_required) == (other, True)
    assert (before["model"], after["model"]) == ("gpt-4o", "gpt-5")
    assert (restarted.agent_type_id, restarted.restart_required) == (other, False)


async def test_until_the_restart_both_providers_are_used(house: House) -> None:
    agent = await house.make_agent()
    provider_id = new_id()
    house.credentials.secrets[provider_id] = "sk-another"
    other = await house.make_agent_type("other", provider_id=provider_id)
    await house.start(agent.id)

    await change(house, agent.id, AgentPatch(agent_type_id=other))
    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    claimed = set(house.credentials.uses[agent.id])
    await (await house.launched()).speak()
    await house.until(agent.id, AgentStatus.RUNNING)

    assert claimed == {house.provider_id, provider_id}
    assert house.credentials.uses[agent.id] == {provider_id}


async def test_a_stopped_agent_has_another_type_at_once(house: House) -> None:
    agent = await house.make_agent()
    other = await house.make_agent_type("other", model="gpt-5")
    await house.start(agent.id)
    await house.bus.ask(STOP_AGENT, house.question(agent.id))
    await house.until(agent.id, AgentStatus.STOPPED)

    changed = await change(house, agent.id, AgentPatch(agent_type_id=other))
    await house.bus.ask(START_AGENT, house.question(agent.id))
    puppet = await house.launched()
    _, told = await puppet.get("configuration")

    assert (changed.agent_type_id, changed.restart_required) == (other, False)
    assert told["model"] == "gpt-5"


async def test_a_change_of_mind_before_the_restart_leaves_nothing(house: House) -> None:
    agent = await house.make_agent()
    other = await house.make_agent_type("other")
    await house.start(agent.id)

    await change(house, agent.id, AgentPatch(agent_type_id=other))
    back = await change(house, agent.id, AgentPatch(agent_type_id=agent.agent_type_id))

    assert back.agent_type_id == agent.agent_type_id
    assert not back.restart_required


async def test_a_type_that_an_agent_is_to_have_cannot_be_deleted(house: House) -> None:
    agent = await house.make_agent()
    other = await house.make_agent_type("other")
    await house.start(agent.id)
    await change(house, agent.id, AgentPatch(agent_type_id=other))

    with pytest.raises(AgentTypeInUseError):
        await house.bus.ask(
            DELETE_AGENT_TYPE,
            AgentTypeQuestion(org_id=house.org_id, actor=ACTOR, agent_type_id=other),
        )


async def test_what_is_not_there_or_taken_or_outdated_is_refused(house: House) -> None:
    agent = await house.make_agent()
    await house.make_agent("bob")

    with pytest.raises(NameTakenError):
        await change(house, agent.id, AgentPatch(name="bob"))
    with pytest.raises(AgentTypeNotFoundError):
        await change(house, agent.id, AgentPatch(agent_type_id=new_id()))
    with pytest.raises(PreconditionFailedError):
        await change(house, agent.id, AgentPatch(name="eve"), if_version=99)
    with pytest.raises(AgentNotFoundError):
        await change(house, new_id(), AgentPatch(name="eve"))
