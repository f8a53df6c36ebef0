"""What a runner and the record tell each other about shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from .limit import Limit
from .shares import Settlement

__all__ = ["Asked", "Granted", "ShareRecord", "Told", "Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A share that is asked for: *units* now, and up to *extra* if there is room."""

    share_id: UUID
    limit: Limit
    units: int
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """*known_time* is a reading of the clock of *clock* that was found to be right.

    Nothing is granted after *not_after* by that clock: nobody waits for it any more,
    and the record may have been told already that nothing of it is used.
    """

    settled: Sequence[Settlement]
    wanted: Sequence[Wish]
    renews: bool = False
    clock: int = -1
    known_time: float = 0.0
    not_after: float | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What was granted of a limit, and how it stands after that.

    *frees* says when units are free again that count by the minute: seconds from now,
    and how many. *told* is the highest share of it, in percent, that an event told of.
    """

    share_id: UUID
    key: str
    wished: int
    units: int
    amount: int | None
    used: int
    told: int = 0
    frees: Sequence[tuple[float, int]] = ()

    @property
    def is_whole(self) -> bool:
        return self.units >= self.wished

    @property
    def left(self) -> int:
        return max(0, self.amount - self.used) if self.amount is not None else 0

    def seconds_until(self, missing: int) -> float | None:
        """Say when so many units more are free, None if that cannot be told.

        Those that are used beyond the amount must be free before them.
        """
        if self.amount is not None:
            missing += max(0, self.used - self.amount)
        for seconds, freed in self.frees:
            missing -= freed
            if missing <= 0:
                return seconds
        return None


@dataclass(frozen=True, slots=True)
class Told:
    """*time* is the steady clock's, whose corrections *clock* counts; *wall* is not."""

    clock: int
    time: float
    wall: float
    granted: Sequence[Granted]


class ShareRecord(Protocol):
    """Where the shares of all runners are."""

    async def exchange(self, asked: Asked) -> Told:
        """Settle and lease; raises `DatabaseUnavailableError`."""
        ...

    async def correct_clock(self, step_seconds: float, *, clock: int) -> None:
        """Take a step back out of the clock, unless somebody has since *clock*."""
        ...
