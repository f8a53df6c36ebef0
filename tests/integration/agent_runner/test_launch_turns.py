"""How many agents are launched at once, where many are to run."""

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import START_AGENT, STOP_AGENT, AgentStatus

from .neighbours import FakeRuntime
from .runner_house import open_neighbourhood, running

pytestmark = pytest.mark.integration


async def test_a_launch_waits_for_its_turn_and_a_stop_for_none(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, most_launches=1),
    ):
        first, stopped, last = [
            await house.make_agent(name) for name in ("ada", "bob", "eve")
        ]
        await house.bus.ask(START_AGENT, house.question(first.id))
        silent = await house.launched()
        for each in (stopped, last):
            await house.bus.ask(START_AGENT, house.question(each.id))

        await house.bus.ask(STOP_AGENT, house.question(stopped.id))
        await house.until(stopped.id, AgentStatus.STOPPED)
        launched_meanwhile = runtime.launches
        await silent.speak()
        await (await house.launched_for(last.id)).speak()
        await house.until(last.id, AgentStatus.RUNNING)

    assert launched_meanwhile == 1
    assert runtime.launches == 2


async def test_where_there_are_turns_enough_nobody_waits(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, most_launches=2),
    ):
        agents = [await house.make_agent(name) for name in ("ada", "bob")]
        for each in agents:
            await house.bus.ask(START_AGENT, house.question(each.id))

        launched = {(await house.launched()).launch.agent_id for _ in agents}

    assert launched == {each.id for each in agents}
