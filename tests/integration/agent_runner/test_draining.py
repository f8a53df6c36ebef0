"""Draining a runner: its agents move, and no message is lost."""

from uuid import UUID

import pytest

from ag2trust.waiting import until
from ag2trust_sandbox import Step
from shared.contracts.base import PageQuestion
from shared.contracts.conversations import MessageStatus
from shared.contracts.runners import (
    DRAIN_RUNNER,
    LIST_RUNNERS,
    UNDRAIN_RUNNER,
    Runner,
    RunnerQuestion,
    RunnerStatus,
)
from shared.errors import RunnerNotFoundError, UnavailableError
from shared.ids import new_id

from .fleet import Fleet
from .runner_house import ACTOR

pytestmark = pytest.mark.integration

SLOW = Step(content="word " * 60, pace_seconds=0.05)


def question(fleet: Fleet, runner_id: UUID) -> RunnerQuestion:
    return RunnerQuestion(org_id=fleet.house.org_id, actor=ACTOR, runner_id=runner_id)


async def runners(fleet: Fleet) -> dict[str, Runner]:
    asked = PageQuestion(org_id=fleet.house.org_id, actor=ACTOR)
    page = await until(
        "the runners",
        lambda: fleet.house.bus.ask(LIST_RUNNERS, asked),
        not_yet=UnavailableError,
    )
    return {each.name: each for each in page.data}


async def test_a_drained_runner_ends_empty_and_every_message_is_answered_once(
    fleet: Fleet,
) -> None:
    for name in ("runner-1", "runner-2"):
        await fleet.runner(name)
    agents = [await fleet.running_agent(name) for name in ("ada", "bob")]
    drained = (await runners(fleet))["runner-1"]
    fleet.sandbox.play(*[SLOW] * len(agents))
    in_hand = [await fleet.submit(each, "Take your time.") for each in agents]

    await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, drained.id))
    meanwhile = [await fleet.submit(each, "And now?") for each in agents]
    answers = [await fleet.answer(each) for each in [*in_hand, *meanwhile]]
    found = await until(
        "runner-1 empty",
        lambda: runners(fleet),
        lambda found: found["runner-1"].agents == 0,
    )

    assert drained.agents > 0
    assert {each.status for each in answers} == {MessageStatus.COMPLETED}
    assert [each.content for each in answers[: len(agents)]] == [SLOW.content] * 2
    assert found["runner-1"].status is RunnerStatus.DRAINING
    assert found["runner-2"].agents == len(agents)
    assert fleet.runners["runner-1"].agent_processes() == []


async def test_agents_that_nobody_else_can_take_stay_until_somebody_can(
    fleet: Fleet,
) -> None:
    only = await fleet.runner("runner-1")
    agent = await fleet.running_agent()
    drained = (await runners(fleet))["runner-1"]
    await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, drained.id))

    alone = await fleet.answer(await fleet.submit(agent, "Still there?"))
    host_alone = await fleet.host_of(agent)
    await fleet.runner("runner-2")

    assert alone.status is MessageStatus.COMPLETED
    assert host_alone == only.name
    await until(
        "the agent on runner-2",
        lambda: fleet.host_of(agent),
        lambda host: host == "runner-2",
    )


async def test_a_drain_outlives_a_restart_and_ends_when_told(fleet: Fleet) -> None:
    runner = await fleet.runner("runner-1")
    await fleet.runner("runner-2")
    known = (await runners(fleet))["runner-1"]
    await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, known.id))

    await runner.kill()
    await runner.start()
    restarted = (await runners(fleet))["runner-1"]
    await fleet.house.bus.ask(UNDRAIN_RUNNER, question(fleet, known.id))
    told = (await runners(fleet))["runner-1"]

    assert (restarted.id, restarted.status) == (known.id, RunnerStatus.DRAINING)
    assert told.status is RunnerStatus.READY


async def test_a_runner_that_is_silent_is_called_lost(fleet: Fleet) -> None:
    killed = await fleet.runner("runner-1")
    await fleet.runner("runner-2")

    await killed.kill()

    found = await until(
        "runner-1 called lost",
        lambda: runners(fleet),
        lambda found: found["runner-1"].status is RunnerStatus.LOST,
    )
    assert found["runner-2"].status is RunnerStatus.READY


async def test_draining_is_noted_once_with_who_did_it(fleet: Fleet) -> None:
    await fleet.runner("runner-1")
    known = (await runners(fleet))["runner-1"]

    for _ in range(2):
        await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, known.id))
    with pytest.raises(RunnerNotFoundError):
        await fleet.house.bus.ask(DRAIN_RUNNER, question(fleet, new_id()))

    noted = await fleet.database.fetch(
        "SELECT org_id, actor_id, object_id FROM agent_runner.audit WHERE act = $1",
        "runner.drained",
    )
    assert [tuple(each) for each in noted] == [(fleet.house.org_id, ACTOR.id, known.id)]
