"""What to do next about one agent: pure, from what should be and what is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.contracts.agent_runner import DesiredState

__all__ = ["Move", "Trouble", "next_move"]

_LONGEST_PAUSE = timedelta(seconds=30)
_MOST_DOUBLINGS = 5
_HEALTHY_AFTER = timedelta(seconds=60)
_FAILURES_UNTIL_HOPELESS = 5


class Move(Enum):
    """`NOTHING` when what is, is what should be."""

    NOTHING = auto()
    LAUNCH = auto()
    REPLACE = auto()
    MOVE_ON = auto()
    BURY = auto()
    STOP = auto()


def next_move(
    desired: DesiredState,
    *,
    incarnation: int,
    hosted_incarnation: int | None,
    has_exited: bool,
    is_hopeless: bool,
    moves_on: bool,
) -> Move:
    """Compare the record with what is hosted here (None: nothing).

    A hopeless agent waits for its operator to restart it.
    """
    if desired is DesiredState.STOPPED:
        return Move.STOP
    if moves_on:
        return Move.MOVE_ON
    if hosted_incarnation is None:
        return Move.NOTHING if is_hopeless else Move.LAUNCH
    if hosted_incarnation != incarnation:
        return Move.REPLACE
    return Move.BURY if has_exited else Move.NOTHING


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures of one kind in a row of one incarnation, and when to try again."""

    incarnation: int
    failures: int
    not_before: datetime
    is_passing: bool

    @classmethod
    def after(
        cls,
        earlier: "Trouble | None",
        *,
        incarnation: int,
        is_passing: bool,
        ran_for: timedelta,
        first_pause: timedelta,
        now: datetime,
    ) -> "Trouble":
        """Count one more failure; the first of its kind comes after a healthy while.

        Or after one of the other kind: a failure *is_passing* when waiting helps,
        because something else is away, and an outage is no part of a crash loop.
        """
        failures = 1
        kind = (incarnation, is_passing)
        is_in_a_row = earlier and (earlier.incarnation, earlier.is_passing) == kind
        if earlier and is_in_a_row and ran_for < _HEALTHY_AFTER:
            failures = earlier.failures + 1
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        pause = min(first_pause * 2**doublings, _LONGEST_PAUSE)
        return cls(incarnation, failures, now + pause, is_passing)

    @property
    def is_hopeless(self) -> bool:
        """Only an operator's restart tries again."""
        return not self.is_passing and self.failures >= _FAILURES_UNTIL_HOPELESS

    def holds(self, incarnation: int, *, now: datetime) -> bool:
        """Say whether to leave this incarnation alone for now."""
        # From both sides: a clock that is set back would have it left alone for long.
        is_early = self.not_before - _LONGEST_PAUSE <= now < self.not_before
        return self.incarnation == incarnation and is_early
