"""A launch under way that nobody wants any more: it is given up where it stands."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from agent_runner.runtimes.runtime import Launch
from shared.contracts.agent_runner import (
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    AgentStatus,
)

from .neighbours import FakeRuntime
from .runner_house import House, open_neighbourhood, running

pytestmark = pytest.mark.integration


class StuckRuntime(FakeRuntime):
    """Never comes to the end of what it is *stuck* at, unless it is cancelled.

    What it has made for an agent is in *networks* until that agent is stopped.
    """

    def __init__(self, stuck: str) -> None:
        super().__init__()
        self.stuck = stuck
        self.is_at: asyncio.Queue[UUID] = asyncio.Queue()
        self.networks: set[UUID] = set()

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        self.networks.add(agent_id)
        await self._reach("connect", agent_id)
        return await super().connect(agent_id, org_id, epoch)

    async def launch(self, launch: Launch) -> None:
        await self._reach("launch", launch.agent_id)
        await super().launch(launch)

    async def stop(self, agent_id: UUID, **grace: Any) -> None:
        await super().stop(agent_id, **grace)
        self.networks.discard(agent_id)

    async def _reach(self, step: str, agent_id: UUID) -> None:
        if step == self.stuck:
            await self.is_at.put(agent_id)
            await asyncio.Event().wait()


async def stuck_agent(house: House, runtime: StuckRuntime, name: str) -> UUID:
    """Start an agent whose launch has come to where it is stuck."""
    agent = await house.make_agent(name)
    await house.bus.ask(START_AGENT, house.question(agent.id))
    async with asyncio.timeout(30):
        assert await runtime.is_at.get() == agent.id
    return agent.id


@pytest.mark.parametrize("step", ["connect", "launch"])
async def test_a_stop_does_not_wait_for_the_launch_under_way_and_leaves_nothing(
    stack: Stack, bus_as: BusAs, step: str
) -> None:
    runtime = StuckRuntime(step)
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime),
    ):
        stopped = await stuck_agent(house, runtime, "ada")
        other = await stuck_agent(house, runtime, "bob")

        await house.bus.ask(STOP_AGENT, house.question(stopped))
        agent = await house.until(stopped, AgentStatus.STOPPED)
        networks = set(runtime.networks)

    assert agent.runner is None
    assert house.credentials.uses[stopped] == set()
    assert networks == {other}


async def test_a_restart_does_not_wait_for_the_launch_under_way(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = StuckRuntime("launch")
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime),
    ):
        agent_id = await stuck_agent(house, runtime, "ada")
        runtime.stuck = ""

        await house.bus.ask(RESTART_AGENT, house.question(agent_id))
        await (await house.launched()).speak()
        await house.until(agent_id, AgentStatus.RUNNING)

    assert runtime.launches == 1


async def test_a_stopped_agent_whose_first_word_was_awaited_finds_its_token_dead(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime),
    ):
        agent = await house.make_agent()
        await house.bus.ask(START_AGENT, house.question(agent.id))
        silent = await house.launched()

        await house.bus.ask(STOP_AGENT, house.question(agent.id))
        await house.until(agent.id, AgentStatus.STOPPED)
        status, _ = await silent.get("configuration")
        launched = dict(runtime.launched)

    assert status == 401
    assert launched == {}
