"""The use case of counting: what of a batch is new is applied, once and in order."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.contracts.metrics import Ingest, Ingested, IngestRecord, Record

from .ledger_repository import (
    DeadLetter,
    EntriesRefusedError,
    Entry,
    LedgerRepository,
    LockedSequence,
)

__all__ = ["Ledger", "read_record", "records_due"]

log = structlog.get_logger(__name__)

_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


class Ledger:
    """Counts what runners spooled: every record of a source has effect once."""

    def __init__(self, repository: LedgerRepository) -> None:
        self._repository = repository

    async def ingest(self, batch: Ingest) -> Ingested:
        """Apply what of *batch* follows the source's last applied record.

        All of it is one transaction, committed before this returns. A record that
        cannot be counted becomes a dead letter and takes its place in the sequence
        like any other. Raises `DatabaseUnavailableError`; ask again, with an empty
        batch or the same one, what was applied.
        """
        async with self._repository.locked(batch.source) as sequence:
            due = records_due(batch.records, applied_through=sequence.applied_through)
            applied_through = sequence.applied_through + len(due)
            dead_letters = await _apply(sequence, due) if due else []
        _tell(batch.source, dead_letters)
        return Ingested(applied_through=applied_through)


def records_due(
    records: Iterable[IngestRecord], *, applied_through: int
) -> list[IngestRecord]:
    """Choose *applied_through* + 1, + 2 … up to the first gap; skip what is older."""
    due: list[IngestRecord] = []
    for record in records:
        awaited = applied_through + len(due) + 1
        if record.sequence > awaited:
            break
        if record.sequence == awaited:
            due.append(record)
    return due


def read_record(record: IngestRecord) -> Entry | DeadLetter:
    """Read the payload; the reason of a dead letter quotes nothing of it."""
    try:
        return Entry(
            sequence=record.sequence,
            payload=record.payload,
            record=_RECORD.validate_json(record.payload),
        )
    except ValidationError as error:
        return DeadLetter(
            sequence=record.sequence, payload=record.payload, reason=_reason(error)
        )


async def _apply(
    sequence: LockedSequence, due: Sequence[IngestRecord]
) -> list[DeadLetter]:
    read = [read_record(record) for record in due]
    entries = [each for each in read if isinstance(each, Entry)]
    dead_letters = [each for each in read if isinstance(each, DeadLetter)]
    dead_letters += await _count(sequence, entries)
    await sequence.bury(dead_letters)
    await sequence.advance(due[-1].sequence)
    return dead_letters


async def _count(
    sequence: LockedSequence, entries: Sequence[Entry]
) -> list[DeadLetter]:
    """Count *entries* at once; halve them until each that is refused stands alone."""
    if not entries:
        return []
    try:
        await sequence.count(entries)
    except EntriesRefusedError as refusal:
        if len(entries) == 1:
            return [_dead_letter(entries[0], refusal)]
        middle = len(entries) // 2
        return [
            *await _count(sequence, entries[:middle]),
            *await _count(sequence, entries[middle:]),
        ]
    return []


def _dead_letter(entry: Entry, refusal: EntriesRefusedError) -> DeadLetter:
    return DeadLetter(
        sequence=entry.sequence, payload=entry.payload, reason=str(refusal)
    )


def _reason(error: ValidationError) -> str:
    """Name the fields and pydantic's kind of error, both words of ours."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'record'}: {each['type']}"
        for each in error.errors(
            include_input=False, include_url=False, include_context=False
        )
    )


def _tell(source: UUID, dead_letters: Iterable[DeadLetter]) -> None:
    for each in dead_letters:
        log.warning("record.refused", source=str(source), sequence=each.sequence)
