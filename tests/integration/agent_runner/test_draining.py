"""Draining a runner: its agents move, and no message is lost."""

import pytest

from ag2trust.waiting import until
from ag2trust_sandbox import Step
from shared.contracts.conversations import MessageStatus
from shared.contracts.runners import (
    DRAIN_RUNNER,
    UNDRAIN_RUNNER,
    Runner,
    RunnerQuestion,
    RunnerStatus,
)
from shared.errors import RunnerNotFoundError
from shared.ids import new_id

from .fleet import Fleet
from .runner_house import ACTOR

pytestmark = pytest.mark.integration

SLOW = Step(content="word " * 60, pace_seconds=0.05)


def question(fleet: Fleet, runner: Runner) -> RunnerQuestion:
    return RunnerQuestion(org_id=fleet.house.org_id, actor=ACTOR, runner_id=runner.id)


async def test_a_drained_runner_ends_empty_and_every_message_is_answered_once(
    fleet: Fleet,
) -> None:
    async with fleet.neighbour("runner-1") as runner:
        agent = await fleet.running_agent()
        async with fleet.neighbour("runner-2"):
            drained = (await fleet.known_runners())[runner.name]
            fleet.sandbox.play(SLOW)
            in_hand = await fleet.submit(agent, "Take your time.")

            await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, drained))
            meanwhile = await fleet.submit(agent, "And now?")
            answers = [await fleet.answer(each) for each in (in_hand, meanwhile)]
            found = await until(
                "runner-1 empty",
                fleet.known_runners,
                lambda found: found["runner-1"].agents == 0,
            )
            left = runner.agent_processes()

    assert drained.agents == 1
    assert {each.status for each in answers} == {MessageStatus.COMPLETED}
    assert answers[0].content == SLOW.content
    assert found["runner-1"].status is RunnerStatus.DRAINING
    assert found["runner-2"].agents == 1
    assert left == []


async def test_agents_that_nobody_else_can_take_stay_until_somebody_can(
    fleet: Fleet,
) -> None:
    async with fleet.neighbour("runner-1") as only:
        agent = await fleet.running_agent()
        drained = (await fleet.known_runners())[only.name]
        await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, drained))

        alone = await fleet.answer(await fleet.submit(agent, "Still there?"))
        host_alone = await fleet.host_of(agent)

        assert alone.status is MessageStatus.COMPLETED
        assert host_alone == only.name
        async with fleet.neighbour("runner-2"):
            await until(
                "the agent on runner-2",
                lambda: fleet.host_of(agent),
                lambda host: host == "runner-2",
            )


async def test_a_drain_outlives_a_restart_and_ends_when_told(fleet: Fleet) -> None:
    runner = await fleet.runner("runner-1")
    known = (await fleet.known_runners())[runner.name]
    await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, known))

    await runner.kill()
    async with fleet.neighbour(runner.name):
        restarted = (await fleet.known_runners())[runner.name]
        await fleet.house.bus.ask(UNDRAIN_RUNNER, question(fleet, known))
        told = (await fleet.known_runners())[runner.name]

    assert (restarted.id, restarted.status) == (known.id, RunnerStatus.DRAINING)
    assert told.status is RunnerStatus.READY


async def test_draining_is_noted_once_with_who_did_it(fleet: Fleet) -> None:
    async with fleet.neighbour("runner-1"):
        known = (await fleet.known_runners())["runner-1"]

        for _ in range(2):
            await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, known))
        nobody = known.model_copy(update={"id": new_id()})
        with pytest.raises(RunnerNotFoundError):
            await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, nobody))

    noted = await fleet.database.fetch(
        "SELECT org_id, actor_id, object_id FROM agent_runner.audit WHERE act = $1",
        "runner.drained",
    )
    assert [tuple(each) for each in noted] == [(fleet.house.org_id, ACTOR.id, known.id)]
