"""What was counted a moment ago, so that nobody has to read it back to tell of it."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from shared.contracts.metrics import Record

__all__ = ["JustCounted"]

_RECORDS_AT_MOST = 5_000


class _Stretch(NamedTuple):
    """What was counted of a stretch of places; some places hold nothing new."""

    through: int
    records: Sequence[Record]


class JustCounted:
    """Committed records by source and place, the oldest forgotten first.

    PostgreSQL is asked for what is not here: nothing depends on it but time.
    """

    def __init__(self, *, records_at_most: int = _RECORDS_AT_MOST) -> None:
        self._stretches: dict[tuple[UUID, int], _Stretch] = {}
        self._records_at_most = records_at_most
        self._records = 0

    def add(
        self,
        source: UUID,
        *,
        after: int,
        through: int,
        records: Sequence[Record],
    ) -> None:
        """Remember *records*, all that is new in the places *after* + 1 … *through*."""
        self._pop((source, after))
        self._stretches[source, after] = _Stretch(through, records)
        self._records += len(records)
        while self._records > self._records_at_most:
            self._pop(next(iter(self._stretches)))

    def take(
        self, source: UUID, *, after: int, through: int
    ) -> tuple[int, list[Record]]:
        """Give away what follows *after*, and the place up to which that is all.

        That place is *after* itself if nothing is here, and *through* at most.
        """
        records: list[Record] = []
        place = after
        while stretch := self._stretches.get((source, place)):
            if stretch.through > through:
                break
            self._pop((source, place))
            records += stretch.records
            place = stretch.through
        return place, records

    def _pop(self, key: tuple[UUID, int]) -> None:
        if stretch := self._stretches.pop(key, None):
            self._records -= len(stretch.records)
