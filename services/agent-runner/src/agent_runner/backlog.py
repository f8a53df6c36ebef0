"""How far metrics is behind what this runner has to tell it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.clock import Clock
from shared.contracts.metrics import CallRecord

from .spool.spool import Spool

__all__ = ["Backlog", "Outbox", "Uncounted"]


@dataclass(frozen=True, slots=True)
class Uncounted:
    """*calls* are those of the spool; *seconds* is the age of the oldest record."""

    calls: int
    seconds: float


class Outbox(Protocol):
    async def oldest_left_at(self) -> datetime | None: ...


class Backlog:
    """What waits in the spool of this runner and in the outbox of all."""

    def __init__(self, spool: Spool, outbox: Outbox, *, now: Clock) -> None:
        self._spool = spool
        self._outbox = outbox
        self._now = now
        self._counted_through: int | None = None

    def counted(self, through: int) -> None:
        """Note that metrics has counted the spool's records up to *through*."""
        self._counted_through = through

    async def uncounted(self) -> Uncounted | None:
        """Look at what waits; None before metrics has answered for the first time."""
        left_at = await self._outbox.oldest_left_at()
        if self._counted_through is None:
            return None
        settled_at = self._oldest_settled_at(self._counted_through)
        waiting = [each for each in (left_at, settled_at) if each is not None]
        age = self._now() - min(waiting) if waiting else timedelta()
        return Uncounted(
            calls=self._spool.last_sequence - self._counted_through,
            seconds=max(0.0, age.total_seconds()),
        )

    def _oldest_settled_at(self, through: int) -> datetime | None:
        for record in self._spool.read_settled(through, limit=1, max_bytes=1):
            call = CallRecord.model_validate_json(record.payload)
            return call.started_at + timedelta(milliseconds=call.duration_ms or 0)
        return None
