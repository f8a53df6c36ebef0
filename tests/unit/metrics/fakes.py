"""Repositories in memory, with the real ones' promises."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from metrics.announcements_repository import Backlog
from metrics.ledger_repository import DeadLetter, EntriesRefusedError, Entry
from shared.contracts.metrics import Call, CallRecord, MessageRecord
from shared.contracts.usage import AgentStats

from .records import NOON


@dataclass
class FakeSequence:
    """Refuses, as a CHECK would, whatever took less than no time."""

    applied_through: int = 0
    counted: list[CallRecord | MessageRecord] = field(default_factory=list)
    buried: list[DeadLetter] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    async def count(self, entries: Sequence[Entry]) -> None:
        self.batches.append(len(entries))
        if any((each.record.duration_ms or 0) < 0 for each in entries):
            raise EntriesRefusedError("a duration is negative")
        self.counted += [each.record for each in entries]

    async def bury(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.buried += dead_letters

    async def advance(self, applied_through: int) -> None:
        self.applied_through = applied_through


@dataclass
class FakeLedgerRepository:
    """Commits what a block did when it is left, and nothing when it fails."""

    sequences: dict[UUID, FakeSequence] = field(default_factory=dict)

    @asynccontextmanager
    async def locked(self, source: UUID) -> AsyncIterator[FakeSequence]:
        sequence = deepcopy(self.sequences.get(source, FakeSequence()))
        yield sequence
        self.sequences[source] = sequence


@dataclass
class FakeReads:
    """Calls, newest first as they were given; no tokens, no times."""

    stored: list[Call] = field(default_factory=list)

    async def agent_stats(
        self,
        org_id: UUID,
        agent_id: UUID,
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> AgentStats:
        calls = [
            each
            for each in self.stored
            if (each.org_id, each.agent_id) == (org_id, agent_id)
        ]
        return AgentStats(
            agent_id=agent_id,
            total_tokens=0,
            input_tokens=0,
            output_tokens=0,
            cached_input_tokens=0,
            average_response_time_ms=None,
            p50_response_time_ms=None,
            p95_response_time_ms=None,
            average_time_to_first_token_ms=None,
            message_duration_ms=None,
            messages_processed=0,
            calls=len(calls),
            errors=0,
            error_rate=None,
            since=since,
            until=until,
            as_of=NOON,
        )

    async def calls(
        self, org_id: UUID, *, agent_id: UUID | None, below: UUID | None, limit: int
    ) -> list[Call]:
        return [
            each
            for each in self.stored
            if each.org_id == org_id
            and (agent_id is None or each.agent_id == agent_id)
            and (below is None or each.call_id < below)
        ][:limit]

    async def call(self, org_id: UUID, call_id: UUID) -> Call | None:
        found = [
            each
            for each in self.stored
            if (each.org_id, each.call_id) == (org_id, call_id)
        ]
        return found[0] if found else None


@dataclass
class FakeAnnouncements:
    """One source with *records* in places 1, 2 …, two of them at once."""

    source: UUID
    records_by_place: list[CallRecord | MessageRecord]
    announced_through: int = 0

    async def backlogs(self) -> list[Backlog]:
        through = min(len(self.records_by_place), self.announced_through + 2)
        if through == self.announced_through:
            return []
        return [Backlog(self.source, self.announced_through, through)]

    async def records(self, backlog: Backlog) -> list[CallRecord | MessageRecord]:
        return self.records_by_place[backlog.after : backlog.through]

    async def note_announced(self, backlog: Backlog) -> None:
        self.announced_through = max(self.announced_through, backlog.through)


def counted(record: CallRecord) -> Call:
    return Call(**dict(record), recorded_at=NOON)
