"""The use case of counting: what of a batch is new is applied, once and in order."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError

from metrics.prices.pricing import Override, PricedCall, price
from metrics.repositories.ledger import (
    DeadLetter,
    EntriesRefusedError,
    Entry,
    LedgerRepository,
    LockedSequence,
)
from metrics.rollups.spans import BEGINNING, END
from shared.contracts.base import Explanation
from shared.contracts.metrics import (
    AttemptRecord,
    CallRecord,
    Ingest,
    Ingested,
    IngestRecord,
    MessageRecord,
    Record,
    ToolCallRecord,
    Usage,
)

from .just_counted import JustCounted

__all__ = ["Ledger", "read_record", "records_due"]

log = structlog.get_logger(__name__)

_RECORD: TypeAdapter[Record] = TypeAdapter(Record)
_MOST_CHARACTERS = 64 * 1024  # as an event it must pass over the bus; runners write 8
_REASONS_AT_MOST = 10
_WORDS = frozenset(
    {"call", "message", "tool_call"}.union(
        *(
            each.model_fields
            for each in (
                CallRecord,
                MessageRecord,
                ToolCallRecord,
                AttemptRecord,
                Usage,
                Explanation,
            )
        )
    )
)

Measure = Callable[[Sequence[Entry]], None]
ReadT = TypeVar("ReadT", bound=Entry | DeadLetter)


class Ledger:
    """Counts what runners spooled: every record of a source has effect once.

    *measure* is told what was counted, once that is committed.
    """

    def __init__(
        self,
        repository: LedgerRepository,
        just_counted: JustCounted,
        *,
        measure: Measure | None = None,
    ) -> None:
        self._repository = repository
        self._just_counted = just_counted
        self._measure = measure

    async def ingest(self, batch: Ingest) -> Ingested:
        """Apply what of *batch* follows the source's last applied record.

        All of it is one transaction, committed before this returns. A record that
        cannot be counted becomes a dead letter and takes its place in the sequence
        like any other. Raises `DatabaseUnavailableError`; ask again, with an empty
        batch or the same one, what was applied.
        """
        read = [read_record(each) for each in batch.records]
        org_ids = {each.record.org_id for each in read if isinstance(each, Entry)}
        async with self._repository.locked(batch.source, org_ids) as sequence:
            due = records_due(read, applied_through=sequence.applied_through)
            before, after = (
                sequence.applied_through,
                sequence.applied_through + len(due),
            )
            applied = await _apply(sequence, due) if due else _Applied()
        _tell(batch.source, applied.dead_letters)
        self._just_counted.add(
            batch.source,
            after=before,
            through=after,
            records=[each.record for each in applied.counted],
        )
        if self._measure:
            self._measure(applied.counted)
        return Ingested(applied_through=after)


def records_due(records: Iterable[ReadT], *, applied_through: int) -> list[ReadT]:
    """Choose *applied_through* + 1, + 2 … up to the first gap; skip what is older."""
    due: list[ReadT] = []
    for record in records:
        awaited = applied_through + len(due) + 1
        if record.sequence > awaited:
            break
        if record.sequence == awaited:
            due.append(record)
    return due


def read_record(record: IngestRecord) -> Entry | DeadLetter:
    """Read the payload; the reason of a dead letter quotes nothing of it."""
    if len(record.payload) > _MOST_CHARACTERS:
        return DeadLetter(record.sequence, record.payload, "record: too_long")
    try:
        read = _RECORD.validate_json(record.payload)
    except ValidationError as error:
        return DeadLetter(record.sequence, record.payload, _reason(error))
    if not BEGINNING <= _time_of(read) < END:
        return DeadLetter(record.sequence, record.payload, "time: out of range")
    return Entry(record.sequence, record.payload, read)


@dataclass(frozen=True, slots=True)
class _Applied:
    """What became of records: *counted* are those that were not counted before."""

    counted: list[Entry] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def __add__(self, other: "_Applied") -> "_Applied":
        return _Applied(
            self.counted + other.counted, self.dead_letters + other.dead_letters
        )


async def _apply(
    sequence: LockedSequence, due: Sequence[Entry | DeadLetter]
) -> _Applied:
    entries = [each for each in due if isinstance(each, Entry)]
    unread = [each for each in due if isinstance(each, DeadLetter)]
    applied = _Applied(dead_letters=unread) + await _count(
        sequence, _priced(entries, sequence.overrides)
    )
    if applied.dead_letters:
        await sequence.bury(applied.dead_letters)
    await sequence.advance(due[-1].sequence)
    return applied


def _priced(entries: Iterable[Entry], overrides: Iterable[Override]) -> list[Entry]:
    by_organization: dict[UUID, list[Override]] = defaultdict(list)
    for override in overrides:
        by_organization[override.org_id].append(override)
    return [
        Entry(each.sequence, each.payload, each.record, _price(each, by_organization))
        for each in entries
    ]


def _price(
    entry: Entry, overrides: Mapping[UUID, Sequence[Override]]
) -> PricedCall | None:
    if not isinstance(entry.record, CallRecord):
        return None
    return price(entry.record, overrides.get(entry.record.org_id, ()))


async def _count(sequence: LockedSequence, entries: Sequence[Entry]) -> _Applied:
    """Count *entries* at once; halve them until each that is refused stands alone."""
    if not entries:
        return _Applied()
    try:
        return _Applied(counted=await sequence.count(entries))
    except EntriesRefusedError as refusal:
        if len(entries) == 1:
            return _Applied(dead_letters=[_dead_letter(entries[0], refusal)])
        middle = len(entries) // 2
        return await _count(sequence, entries[:middle]) + await _count(
            sequence, entries[middle:]
        )


def _time_of(record: Record) -> datetime:
    match record:
        case CallRecord(started_at=time) | ToolCallRecord(started_at=time):
            return time
        case MessageRecord(finished_at=time):
            return time


def _dead_letter(entry: Entry, refusal: EntriesRefusedError) -> DeadLetter:
    return DeadLetter(
        sequence=entry.sequence, payload=entry.payload, reason=str(refusal)
    )


def _reason(error: ValidationError) -> str:
    """Name the fields and pydantic's kind of error, both words of ours."""
    return "; ".join(
        f"{'.'.join(map(_place, each['loc'])) or 'record'}: {each['type']}"
        for each in error.errors(
            include_input=False, include_url=False, include_context=False
        )[:_REASONS_AT_MOST]
    )


def _place(step: int | str) -> str:
    """Name a step of the way to a field; the name of a label is the record's own."""
    return str(step) if isinstance(step, int) or step in _WORDS else "*"


def _tell(source: UUID, dead_letters: Iterable[DeadLetter]) -> None:
    for each in dead_letters:
        log.warning("record.refused", source=str(source), sequence=each.sequence)
