from datetime import UTC, datetime, timedelta

import pytest

from agent_runner.hosting.agent_state import Move, Trouble, next_move
from agent_runner.hosting.rhythm import USUAL
from shared.contracts.agent_runner import DesiredState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT_ONCE = timedelta()
FIRST_PAUSE = USUAL.first_pause


@pytest.mark.parametrize(
    ("desired", "hosted", "has_exited", "move"),
    [
        (DesiredState.RUNNING, None, False, Move.LAUNCH),
        (DesiredState.RUNNING, 3, False, Move.NOTHING),
        (DesiredState.RUNNING, 2, False, Move.REPLACE),
        (DesiredState.RUNNING, 2, True, Move.REPLACE),
        (DesiredState.RUNNING, 3, True, Move.BURY),
        (DesiredState.STOPPED, None, False, Move.STOP),
        (DesiredState.STOPPED, 3, False, Move.STOP),
        (DesiredState.STOPPED, 3, True, Move.STOP),
    ],
)
def test_the_next_move_follows_from_what_should_be_and_what_is(
    desired: DesiredState, hosted: int | None, *, has_exited: bool, move: Move
) -> None:
    found = next_move(
        desired,
        incarnation=3,
        hosted_incarnation=hosted,
        has_exited=has_exited,
        is_hopeless=False,
        moves_on=False,
    )

    assert found is move


@pytest.mark.parametrize(
    ("desired", "hosted", "moves_on", "move"),
    [
        (DesiredState.RUNNING, None, False, Move.NOTHING),
        (DesiredState.RUNNING, 2, False, Move.REPLACE),
        (DesiredState.RUNNING, None, True, Move.MOVE_ON),
        (DesiredState.STOPPED, None, False, Move.STOP),
    ],
)
def test_a_hopeless_agent_waits_for_its_operator(
    desired: DesiredState, hosted: int | None, *, moves_on: bool, move: Move
) -> None:
    found = next_move(
        desired,
        incarnation=3,
        hosted_incarnation=hosted,
        has_exited=False,
        is_hopeless=True,
        moves_on=moves_on,
    )

    assert found is move


@pytest.mark.parametrize("hosted", [None, 2, 3])
@pytest.mark.parametrize("has_exited", [False, True])
def test_an_agent_that_moves_on_is_not_worked_on_here(
    hosted: int | None, *, has_exited: bool
) -> None:
    found = next_move(
        DesiredState.RUNNING,
        incarnation=3,
        hosted_incarnation=hosted,
        has_exited=has_exited,
        is_hopeless=False,
        moves_on=True,
    )

    assert found is Move.MOVE_ON


def fail(
    times: int, *, is_passing: bool = False, ran_for: timedelta = AT_ONCE
) -> Trouble:
    trouble = None
    for _ in range(times):
        trouble = Trouble.after(
            trouble,
            incarnation=1,
            is_passing=is_passing,
            ran_for=ran_for,
            first_pause=FIRST_PAUSE,
            now=NOON,
        )
    assert trouble is not None
    return trouble


def test_pauses_double_up_to_half_a_minute() -> None:
    pauses = [
        (fail(times, is_passing=True).not_before - NOON).total_seconds()
        for times in range(1, 8)
    ]

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_crash_loop_ends_without_hope() -> None:
    assert not fail(4).is_hopeless
    assert fail(5).is_hopeless


def test_what_passes_is_tried_again_for_ever() -> None:
    trouble = fail(50, is_passing=True)

    assert not trouble.is_hopeless
    assert not trouble.holds(1, now=trouble.not_before)


def test_a_crash_after_what_has_passed_is_the_first() -> None:
    crash = Trouble.after(
        fail(50, is_passing=True),
        incarnation=1,
        is_passing=False,
        ran_for=AT_ONCE,
        first_pause=FIRST_PAUSE,
        now=NOON,
    )

    assert crash.failures == 1
    assert not crash.is_hopeless


def test_a_clock_that_is_set_back_holds_nobody_for_longer() -> None:
    trouble = fail(5)

    assert trouble.holds(1, now=NOON)
    assert not trouble.holds(1, now=NOON - timedelta(hours=1))


def test_a_failure_after_a_healthy_while_is_the_first() -> None:
    assert fail(50, ran_for=timedelta(minutes=2)).failures == 1


def test_a_new_incarnation_starts_without_a_past() -> None:
    trouble = fail(5)

    assert not trouble.holds(2, now=NOON)
    later = Trouble.after(
        trouble,
        incarnation=2,
        is_passing=False,
        ran_for=AT_ONCE,
        first_pause=FIRST_PAUSE,
        now=NOON,
    )
    assert later.failures == 1
