"""The ledger in PostgreSQL: how far each source is applied, and what it counted.

What PostgreSQL cannot store is refused by it, or by its driver on the way there, in one
kind of error.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

import asyncpg

from metrics.prices.pricing import Override, PricedCall
from metrics.rollups.rollups import rolled_up
from shared.contracts.metrics import CallRecord, MessageRecord, Record, ToolCallRecord
from shared.database import Database, Transaction

from .fresh_rollups import add_to_fresh_rollups
from .label_bounds import within_label_bounds
from .price_overrides import overrides_of
from .record_rows import rows_of_calls, rows_of_messages, rows_of_tool_calls
from .rollups import Turns, hold_organizations

__all__ = [
    "DeadLetter",
    "EntriesRefusedError",
    "Entry",
    "LedgerRepository",
    "LockedSequence",
    "PostgresLedger",
]


class Entry(NamedTuple):
    """A record that could be read, with its place in the source and as it came.

    *priced* is what a call costs; None of what costs nothing by itself.
    """

    sequence: int
    payload: str
    record: Record
    priced: PricedCall | None = None


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

    @property
    def overrides(self) -> Sequence[Override]:
        """The price overrides of the organizations that are held."""

    async def count(self, entries: Sequence[Entry]) -> list[Entry]:
        """Store and sum up all *entries*, whose organizations are held.

        Or none of them, and raise `EntriesRefusedError`. One that was counted before
        is left as it is and adds nothing; return the others.
        """

    async def bury(self, dead_letters: Sequence[DeadLetter]) -> None: ...

    async def advance(self, applied_through: int) -> None: ...


class LedgerRepository(Protocol):
    def locked(
        self, source: UUID, org_ids: Collection[UUID]
    ) -> AbstractAsyncContextManager[LockedSequence]:
        """Open a transaction that holds *source* and the sums of these organizations.

        Leaving it commits.
        """


class PostgresLedger:
    def __init__(self, database: Database, turns: Turns) -> None:
        self._database = database
        self._turns = turns

    @asynccontextmanager
    async def locked(
        self, source: UUID, org_ids: Collection[UUID]
    ) -> AsyncIterator["PostgresSequence"]:
        async with (
            self._turns.of(org_ids),
            self._database.sweep() as transaction,
        ):
            await hold_organizations(transaction, org_ids)
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
            overrides = await overrides_of(transaction, org_ids)
            yield PostgresSequence(
                transaction,
                source,
                applied_through=applied_through,
                overrides=overrides,
            )


class PostgresSequence:
    """A source whose row this transaction holds."""

    def __init__(
        self,
        transaction: Transaction,
        source: UUID,
        *,
        applied_through: int,
        overrides: Sequence[Override],
    ) -> None:
        self._transaction = transaction
        self._source = source
        self.applied_through = applied_through
        self.overrides = overrides

    async def count(self, entries: Sequence[Entry]) -> list[Entry]:
        try:
            async with self._transaction.transaction():
                return await self._count(entries)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise EntriesRefusedError(str(error)) from error

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

    async def _count(self, entries: Sequence[Entry]) -> list[Entry]:
        records = _by_kind(entries)
        new_calls = await self._insert_calls(records.calls)
        new_messages = await self._insert_messages(records.messages)
        rollups = rolled_up(
            [records.calls[each] for each in new_calls],
            [records.messages[each] for each in new_messages],
        )
        await add_to_fresh_rollups(
            self._transaction, await within_label_bounds(self._transaction, rollups)
        )
        new_tool_calls = await self._insert_tool_calls(records.tool_calls)
        new = {*new_calls, *new_messages, *new_tool_calls}
        return [each for each in entries if each.sequence in new]

    async def _insert_calls(
        self, calls: Mapping[int, tuple[CallRecord, PricedCall]]
    ) -> list[int]:
        """Return the places of the calls that were not counted before."""
        if not calls:
            return []
        counted = await self._transaction.fetch(
            """
            WITH given AS (
                SELECT *
                FROM unnest($2::given_call[])
            ),
            held AS (
                SELECT day
                FROM kept_day
                WHERE day IN (
                    SELECT (started_at AT TIME ZONE 'UTC')::date
                    FROM given
                )
                FOR KEY SHARE
            ),
            counted AS (
                INSERT INTO call (
                    call_id, org_id, source, sequence, agent_id, agent_type_id,
                    provider_id, provider_type, use_case, labels, model, endpoint,
                    is_streamed, message_id, runner, request_id, status, http_status,
                    started_at, duration_ms, time_to_first_token_ms, input_tokens,
                    cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
                    output_tokens, reasoning_tokens, web_searches, service_tier, speed,
                    inference_geo, usage_source, explanation, code, attempts, cost,
                    price_version, unpriced_reason, has_day
                )
                SELECT
                    call_id, org_id, $1, sequence, agent_id, agent_type_id,
                    provider_id, provider_type, use_case, labels::jsonb, model,
                    endpoint, is_streamed, message_id, runner, request_id, status,
                    http_status, started_at, duration_ms, time_to_first_token_ms,
                    input_tokens, cached_input_tokens, cache_write_5m_tokens,
                    cache_write_1h_tokens, output_tokens, reasoning_tokens,
                    web_searches, service_tier, speed, inference_geo, usage_source,
                    explanation::jsonb, code, attempts::jsonb, cost, price_version,
                    unpriced_reason, held.day IS NOT NULL
                FROM given
                LEFT JOIN held ON held.day = (started_at AT TIME ZONE 'UTC')::date
                ON CONFLICT DO NOTHING
                RETURNING sequence
            )
            SELECT sequence
            FROM counted
            """,
            self._source,
            rows_of_calls(calls),
        )
        return [row["sequence"] for row in counted]

    async def _insert_messages(
        self, messages: Mapping[int, MessageRecord]
    ) -> list[int]:
        """Return the places of the messages that were not counted before."""
        if not messages:
            return []
        counted = await self._transaction.fetch(
            """
            INSERT INTO message (
                message_id, org_id, source, sequence, agent_id, agent_type_id,
                status, finished_at, duration_ms
            )
            SELECT
                message_id, org_id, $1, sequence, agent_id, agent_type_id, status,
                finished_at, duration_ms
            FROM unnest($2::given_message[])
            ON CONFLICT DO NOTHING
            RETURNING sequence
            """,
            self._source,
            rows_of_messages(messages),
        )
        return [row["sequence"] for row in counted]

    async def _insert_tool_calls(
        self, tool_calls: Mapping[int, ToolCallRecord]
    ) -> list[int]:
        """Return the places of the tool calls that were not counted before."""
        if not tool_calls:
            return []
        counted = await self._transaction.fetch(
            """
            INSERT INTO tool_call (
                tool_call_id, org_id, source, sequence, agent_id, agent_type_id,
                message_id, tool, status, code, started_at, duration_ms
            )
            SELECT
                tool_call_id, org_id, $1, sequence, agent_id, agent_type_id,
                message_id, tool, status, code, started_at, duration_ms
            FROM unnest($2::given_tool_call[])
            ON CONFLICT DO NOTHING
            RETURNING sequence
            """,
            self._source,
            rows_of_tool_calls(tool_calls),
        )
        return [row["sequence"] for row in counted]


@dataclass(frozen=True, slots=True)
class _Records:
    """Records of each kind by their place in the source."""

    calls: dict[int, tuple[CallRecord, PricedCall]] = field(default_factory=dict)
    messages: dict[int, MessageRecord] = field(default_factory=dict)
    tool_calls: dict[int, ToolCallRecord] = field(default_factory=dict)


def _by_kind(entries: Iterable[Entry]) -> _Records:
    records = _Records()
    for entry in entries:
        match entry.record:
            case CallRecord() as call:
                if entry.priced:
                    records.calls[entry.sequence] = (call, entry.priced)
            case MessageRecord() as message:
                records.messages[entry.sequence] = message
            case ToolCallRecord() as tool_call:
                records.tool_calls[entry.sequence] = tool_call
    return records
