"""Whether this process may still act as its runner, as far as it can know by itself.

Another runner takes over after it has seen no renewal for 12 s (`hosting.takeover`).
Whoever cannot renew stops 3 s sooner, counted from before the last renewal left. The
clock goes on while the process is stopped, and while the machine sleeps.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from shared.errors import UnavailableError

__all__ = ["HELD_FOR", "Monotonic", "Tenure", "boot_time"]

HELD_FOR = timedelta(seconds=9)
_CALLS_GO_ON_FOR_SECONDS = 5 * 60

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Monotonic = Callable[[], float]
"""Seconds on a clock that is never set back."""


def boot_time() -> float:
    """Read CLOCK_BOOTTIME; macOS has none, and its monotonic clock sleeps."""
    return time.clock_gettime(_CLOCK)


class Tenure:
    """The right of one process to be *runner* in *epoch*; it ends unless renewed."""

    def __init__(
        self, *, runner: str, epoch: int, asked_at: float, clock: Monotonic = boot_time
    ) -> None:
        self.runner = runner
        self.epoch = epoch
        self._asked_at = asked_at
        self._clock = clock
        self._is_lost = False

    def renew(self, *, asked_at: float) -> None:
        """Note a renewal that succeeded, by when it was asked for."""
        self._asked_at = asked_at

    def lose(self) -> None:
        """Note that the record names another epoch: nothing here counts any more."""
        self._is_lost = True

    @property
    def is_held(self) -> bool:
        return self._has_lasted_less_than(HELD_FOR.total_seconds())

    @property
    def admits_calls(self) -> bool:
        """Say whether to begin model calls: they go on without the record for a while.

        They write no row that another runner could write too.
        """
        return self._has_lasted_less_than(_CALLS_GO_ON_FOR_SECONDS)

    def require(self) -> None:
        """Raise `UnavailableError` unless this process is surely still the runner."""
        if not self.is_held:
            raise UnavailableError("This runner has lost touch with its record.")

    def _has_lasted_less_than(self, seconds: float) -> bool:
        return not self._is_lost and self._clock() - self._asked_at < seconds
