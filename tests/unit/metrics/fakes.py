"""Repositories in memory, with the real ones' promises."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from metrics.prices.pricing import Override, PricedCall
from metrics.repositories.announcements import Backlog
from metrics.repositories.ledger import DeadLetter, EntriesRefusedError, Entry
from metrics.repositories.places import Place
from metrics.repositories.usage import Sums
from metrics.rollups.spans import Reading
from shared.contracts.metrics import Call, CallRecord, CallsQuestion, Record

from .records import NOON


@dataclass
class FakeSequence:
    """Refuses, as a CHECK would, whatever took less than no time."""

    applied_through: int = 0
    counted: list[Record] = field(default_factory=list)
    buried: list[DeadLetter] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    prices: dict[UUID, PricedCall] = field(default_factory=dict)
    overrides: list[Override] = field(default_factory=list)
    held: set[UUID] = field(default_factory=set, compare=False)

    async def count(self, entries: Sequence[Entry]) -> list[Entry]:
        self.batches.append(len(entries))
        if any((each.record.duration_ms or 0) < 0 for each in entries):
            raise EntriesRefusedError("a duration is negative")
        assert {each.record.org_id for each in entries} <= self.held
        self.counted += [each.record for each in entries]
        for each in entries:
            if isinstance(each.record, CallRecord) and each.priced:
                self.prices[each.record.call_id] = each.priced
        return [*entries]

    async def bury(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.buried += dead_letters

    async def advance(self, applied_through: int) -> None:
        self.applied_through = applied_through


@dataclass
class FakeLedgerRepository:
    """Commits what a block did when it is left, and nothing when it fails."""

    sequences: dict[UUID, FakeSequence] = field(default_factory=dict)

    @asynccontextmanager
    async def locked(
        self, source: UUID, org_ids: Collection[UUID]
    ) -> AsyncIterator[FakeSequence]:
        sequence = deepcopy(self.sequences.get(source, FakeSequence()))
        sequence.held = set(org_ids)
        yield sequence
        self.sequences[source] = sequence


@dataclass
class FakeCalls:
    """Calls, started last first as they were given; of the filters only the agent."""

    stored: list[Call] = field(default_factory=list)

    async def newest(
        self, question: CallsQuestion, *, below: Place | None, limit: int
    ) -> list[Call]:
        return [
            each
            for each in self.stored
            if each.org_id == question.org_id
            and question.agent_id in {None, each.agent_id}
            and (below is None or (each.started_at, each.call_id) < below)
        ][:limit]

    async def find(self, org_id: UUID, call_id: UUID) -> Call | None:
        found = [
            each
            for each in self.stored
            if (each.org_id, each.call_id) == (org_id, call_id)
        ]
        return found[0] if found else None


@dataclass
class FakeUsage:
    """Answers *found* whatever it is asked, and keeps the questions."""

    found: list[Sums] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def of_key(
        self, org_id: UUID, reading: Reading, **question: Any
    ) -> list[Sums]:
        self.asked.append({"org_id": org_id, "reading": reading, **question})
        return self.found

    async def by_key(
        self, org_id: UUID, reading: Reading, **question: Any
    ) -> list[Sums]:
        self.asked.append({"org_id": org_id, "reading": reading, **question})
        return self.found[question["offset"] :][: question["limit"]]


@dataclass
class FakeAnnouncements:
    """One source with *records* in places 1, 2 …, two of them at once."""

    source: UUID
    records_by_place: list[Record]
    announced_through: int = 0
    read: list[int] = field(default_factory=list)

    async def backlogs(self) -> list[Backlog]:
        through = min(len(self.records_by_place), self.announced_through + 2)
        if through == self.announced_through:
            return []
        return [Backlog(self.source, self.announced_through, through)]

    async def records(self, backlog: Backlog) -> list[Record]:
        self.read += range(backlog.after + 1, backlog.through + 1)
        return self.records_by_place[backlog.after : backlog.through]

    async def note_announced(self, backlog: Backlog) -> None:
        self.announced_through = max(self.announced_through, backlog.through)


def counted(record: CallRecord) -> Call:
    return Call(**dict(record), recorded_at=NOON)
