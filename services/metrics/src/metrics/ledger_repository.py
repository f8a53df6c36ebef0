"""The ledger in PostgreSQL: how far each source is applied, and what it counted.

Records travel as one JSON array a statement: five hundred rows cost one round trip, and
whatever PostgreSQL cannot store is refused by PostgreSQL, in one kind of error.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from shared.contracts.metrics import CallRecord, MessageRecord
from shared.database import Database, Transaction

__all__ = [
    "DeadLetter",
    "EntriesRefusedError",
    "Entry",
    "LedgerRepository",
    "LockedSequence",
    "PostgresLedger",
]

Row = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that could be read, with its place in the source and as it came."""

    sequence: int
    payload: str
    record: CallRecord | MessageRecord


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be counted, kept as it came, and why."""

    sequence: int
    payload: str
    reason: str


class EntriesRefusedError(Exception):
    """One entry or more cannot be stored; none of them was."""


class LockedSequence(Protocol):
    """One source, locked: nobody else applies records of it meanwhile."""

    @property
    def applied_through(self) -> int: ...

    async def count(self, entries: Sequence[Entry]) -> None:
        """Store all *entries*, or none of them and raise `EntriesRefusedError`.

        A call or message that was counted before is left as it is.
        """

    async def bury(self, dead_letters: Sequence[DeadLetter]) -> None: ...

    async def advance(self, applied_through: int) -> None: ...


class LedgerRepository(Protocol):
    def locked(self, source: UUID) -> AbstractAsyncContextManager[LockedSequence]:
        """Open a transaction that holds *source*'s sequence; leaving it commits."""


class PostgresLedger:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def locked(self, source: UUID) -> AsyncIterator["PostgresSequence"]:
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                INSERT INTO sequence (source)
                VALUES ($1)
                ON CONFLICT DO NOTHING
                """,
                source,
            )
            applied_through = await transaction.fetchval(
                """
                SELECT applied_through
                FROM sequence
                WHERE source = $1
                FOR UPDATE
                """,
                source,
            )
            yield PostgresSequence(transaction, source, applied_through)


class PostgresSequence:
    """A source whose row this transaction holds."""

    def __init__(
        self, transaction: Transaction, source: UUID, applied_through: int
    ) -> None:
        self._transaction = transaction
        self._source = source
        self.applied_through = applied_through

    async def count(self, entries: Sequence[Entry]) -> None:
        try:
            async with self._transaction.transaction():
                await self._count_calls(entries)
                await self._count_messages(entries)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise EntriesRefusedError(error.message) from error

    async def bury(self, dead_letters: Sequence[DeadLetter]) -> None:
        await self._transaction.executemany(
            """
            INSERT INTO dead_letter (source, sequence, payload, reason)
            VALUES ($1, $2, $3, $4)
            """,
            [
                (self._source, each.sequence, each.payload.encode(), each.reason)
                for each in dead_letters
            ],
        )

    async def advance(self, applied_through: int) -> None:
        await self._transaction.execute(
            """
            UPDATE sequence
            SET applied_through = $2
            WHERE source = $1
            """,
            self._source,
            applied_through,
        )

    async def _count_calls(self, entries: Iterable[Entry]) -> None:
        calls = {
            each.sequence: each.record
            for each in entries
            if isinstance(each.record, CallRecord)
        }
        if not calls:
            return
        counted = await self._insert_calls(
            [self._call_row(sequence, call) for sequence, call in calls.items()]
        )
        attempts = [
            row for sequence in counted for row in _attempt_rows(calls[sequence])
        ]
        if attempts:
            await self._insert_attempts(attempts)

    async def _count_messages(self, entries: Iterable[Entry]) -> None:
        messages = [
            self._message_row(each.sequence, each.record)
            for each in entries
            if isinstance(each.record, MessageRecord)
        ]
        if messages:
            await self._insert_messages(messages)

    async def _insert_calls(self, rows: list[Row]) -> list[int]:
        """Return the sequence numbers of the calls that were not counted before."""
        counted = await self._transaction.fetch(
            """
            INSERT INTO call (
                call_id, org_id, source, sequence, agent_id, agent_type_id,
                provider_id, provider_type, use_case, model, endpoint, is_streamed,
                message_id, runner, request_id, status, http_status, started_at,
                duration_ms, time_to_first_token_ms, input_tokens,
                cached_input_tokens, output_tokens, reasoning_tokens, usage_source,
                explanation
            )
            SELECT
                call_id, org_id, source, sequence, agent_id, agent_type_id,
                provider_id, provider_type, use_case, model, endpoint, is_streamed,
                message_id, runner, request_id, status, http_status, started_at,
                duration_ms, time_to_first_token_ms, input_tokens,
                cached_input_tokens, output_tokens, reasoning_tokens, usage_source,
                explanation
            FROM jsonb_populate_recordset(NULL::call, $1)
            ON CONFLICT DO NOTHING
            RETURNING sequence
            """,
            rows,
        )
        return [row["sequence"] for row in counted]

    async def _insert_attempts(self, rows: list[Row]) -> None:
        await self._transaction.execute(
            """
            INSERT INTO attempt (
                call_id, position, org_id, attempt_id, provider_id, model,
                started_at, duration_ms, http_status, error_code
            )
            SELECT
                call_id, position, org_id, attempt_id, provider_id, model,
                started_at, duration_ms, http_status, error_code
            FROM jsonb_populate_recordset(NULL::attempt, $1)
            """,
            rows,
        )

    async def _insert_messages(self, rows: list[Row]) -> None:
        await self._transaction.execute(
            """
            INSERT INTO message (
                message_id, org_id, source, sequence, agent_id, agent_type_id,
                status, finished_at, duration_ms
            )
            SELECT
                message_id, org_id, source, sequence, agent_id, agent_type_id,
                status, finished_at, duration_ms
            FROM jsonb_populate_recordset(NULL::message, $1)
            ON CONFLICT DO NOTHING
            """,
            rows,
        )

    def _call_row(self, sequence: int, call: CallRecord) -> Row:
        return {
            **call.model_dump(mode="json", exclude={"kind", "usage", "attempts"}),
            **call.usage.model_dump(),
            "source": str(self._source),
            "sequence": sequence,
        }

    def _message_row(self, sequence: int, message: MessageRecord) -> Row:
        return {
            **message.model_dump(mode="json", exclude={"kind"}),
            "source": str(self._source),
            "sequence": sequence,
        }


def _attempt_rows(call: CallRecord) -> list[Row]:
    return [
        {
            **attempt.model_dump(mode="json"),
            "call_id": str(call.call_id),
            "org_id": str(call.org_id),
            "position": position,
        }
        for position, attempt in enumerate(call.attempts, start=1)
    ]
