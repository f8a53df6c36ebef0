"""An agent type's own image: which runners it takes, and which it may be."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentRuntime,
    AgentType,
    AgentTypePatch,
    AgentTypeSubmission,
    CreateAgentType,
    UpdateAgentType,
)
from shared.errors import InvalidError
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration

DEFAULT = "default:1"
OWN = "ours/agent:1"


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
async def house(
    stack: Stack, bus_as: BusAs, runtime: FakeRuntime
) -> AsyncIterator[House]:
    """Open the house of a runner that says of itself that it runs containers."""
    docker: dict[str, Any] = {
        "runtime": "docker",
        "agent_image": DEFAULT,
        "broker": "broker.sock",
    }
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, **docker),
    ):
        yield house


async def made(house: House, **fields: object) -> AgentType:
    submission = {
        "name": "Helper",
        "slug": "helper",
        "provider_id": house.provider_id,
        "model": "gpt-4o",
        **fields,
    }
    return await house.bus.ask(
        CREATE_AGENT_TYPE,
        CreateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=new_id(),
            submission=AgentTypeSubmission.model_validate(submission),
        ),
    )


async def changed(
    house: House, agent_type_id: UUID, patch: AgentTypePatch
) -> AgentType:
    question = UpdateAgentType(
        org_id=house.org_id, actor=ACTOR, agent_type_id=agent_type_id, patch=patch
    )
    return await house.bus.ask(UPDATE_AGENT_TYPE, question)


@pytest.mark.parametrize(("fields", "image"), [({"image": OWN}, OWN), ({}, DEFAULT)])
async def test_an_agent_runs_its_types_image_or_else_the_runners(
    house: House, fields: dict[str, str], image: str
) -> None:
    agent = await house.make_agent(**fields)

    puppet = await house.start(agent.id)

    assert puppet.launch.image == image


async def test_an_image_runs_in_docker(house: House) -> None:
    assert (await made(house, image=OWN)).runtime is AgentRuntime.DOCKER


@pytest.mark.parametrize("runtime_name", ["process", "external"])
async def test_an_image_runs_nowhere_else(house: House, runtime_name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        await made(house, image=OWN, runtime=runtime_name)

    assert "needs the docker runtime" in str(refused.value.details)


async def test_an_image_that_may_not_be_launched_is_refused_at_once(
    house: House, runtime: FakeRuntime
) -> None:
    kept = await made(house, image=OWN)
    runtime.refused_images.add("evil/agent:1")

    with pytest.raises(InvalidError) as refused:
        await changed(house, kept.id, AgentTypePatch(image="evil/agent:1"))

    assert "evil/agent:1 is not allowed" in str(refused.value.details)


async def test_an_image_can_be_taken_back(house: House) -> None:
    kept = await made(house, image=OWN)

    bare = await changed(house, kept.id, AgentTypePatch(image=None))

    assert (bare.image, bare.version) == (None, kept.version + 1)
