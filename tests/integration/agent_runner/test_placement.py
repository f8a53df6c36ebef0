"""Which of several runners an agent is given to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from ag2trust.ports import free_port
from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import (
    GET_AGENT,
    RESTART_AGENT,
    START_AGENT,
    Agent,
    AgentStatus,
)
from shared.contracts.agent_types import (
    UPDATE_AGENT_TYPE,
    AgentTypePatch,
    UpdateAgentType,
)

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    async with open_neighbourhood(stack, bus_as, FakeRuntime()) as opened:
        yield opened


def runner(
    stack: Stack, house: House, name: str, **settings: Any
) -> AbstractAsyncContextManager[None]:
    return running(
        stack,
        house.runtime,
        name=name,
        state_folder=stack.folder / name,
        proxy_port=free_port(),
        **settings,
    )


async def started(house: House, name: str, **fields: Any) -> Agent:
    agent = await house.make_agent(name, **fields)
    return await house.bus.ask(START_AGENT, house.question(agent.id))


async def host_of(house: House, agent: Agent) -> str | None:
    return (await house.bus.ask(GET_AGENT, house.question(agent.id))).runner


async def reason_of(house: House, agent: Agent) -> str | None:
    found = await house.bus.ask(GET_AGENT, house.question(agent.id))
    return found.status_reason.code if found.status_reason else None


async def test_agents_are_spread_in_proportion_to_capacity(
    stack: Stack, house: House
) -> None:
    async with (
        runner(stack, house, "small", capacity=10),
        runner(stack, house, "large", capacity=20),
    ):
        agents = await asyncio.gather(
            *(started(house, f"agent-{number}") for number in range(9))
        )

    hosts = Counter(agent.runner for agent in agents)
    assert hosts == {"large": 6, "small": 3}


async def test_an_agent_runs_only_where_all_labels_are_that_its_type_asks_for(
    stack: Stack, house: House
) -> None:
    wanted = {"zone": "eu", "disk": "fast"}

    async with (
        runner(stack, house, "plain"),
        runner(stack, house, "slow", labels={"zone": "eu"}),
        runner(stack, house, "right", labels={**wanted, "rack": "7"}),
    ):
        agents = [
            await started(house, f"agent-{number}", runner_labels=wanted)
            for number in range(3)
        ]

    assert {agent.runner for agent in agents} == {"right"}


async def test_an_agent_that_no_runner_fits_waits_for_one_that_does(
    stack: Stack, house: House
) -> None:
    async with runner(stack, house, "plain"):
        agent = await started(house, "ada", runner_labels={"zone": "eu"})
        await house.holds(lambda: reason_of(house, agent), "NO_RUNNER")
        waiting = await house.bus.ask(GET_AGENT, house.question(agent.id))
        message = await house.submit(agent.id, "Anybody?")
        async with runner(stack, house, "right", labels={"zone": "eu"}):
            puppet = await house.launched()
            await puppet.speak()
            await house.until(agent.id, AgentStatus.RUNNING)
            asked = await puppet.next()

    assert (waiting.status, waiting.runner) == (AgentStatus.STARTING, None)
    assert asked["message_id"] == str(message.message_id)


async def test_an_agent_runs_in_the_runtime_that_its_type_names(
    stack: Stack, house: House
) -> None:
    async with runner(stack, house, "processes"):
        agent = await started(house, "ada", runtime="docker")

        await house.holds(lambda: reason_of(house, agent), "NO_RUNNER")


async def test_a_restart_moves_an_agent_whose_type_asks_for_another_runner(
    stack: Stack, house: House
) -> None:
    async with (
        runner(stack, house, "here", labels={"zone": "eu"}),
        runner(stack, house, "there", labels={"zone": "us"}),
    ):
        agent = await started(house, "ada", runner_labels={"zone": "eu"})
        await (await house.launched()).speak()
        await house.until(agent.id, AgentStatus.RUNNING)
        await house.bus.ask(
            UPDATE_AGENT_TYPE,
            UpdateAgentType(
                org_id=house.org_id,
                actor=ACTOR,
                agent_type_id=agent.agent_type_id,
                patch=AgentTypePatch(runner_labels={"zone": "us"}),
            ),
        )
        before = await host_of(house, agent)
        await house.bus.ask(RESTART_AGENT, house.question(agent.id))
        await (await house.launched()).speak()
        moved = await house.until(agent.id, AgentStatus.RUNNING)

    assert before == "here"
    assert moved.runner == "there"
