"""The ledger in PostgreSQL: how far each source is applied, and what it counted.

Records travel as one JSON array a statement, made and read by compiled code; what
PostgreSQL cannot store is refused by PostgreSQL, in one kind of error.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import asyncpg

from metrics.prices.pricing import Override, PricedCall
from metrics.rollups.rollups import rolled_up
from shared.contracts.metrics import CallRecord, MessageRecord
from shared.database import Database, Transaction

from .price_overrides import overrides_of
from .rollups import Turns, add_to_rollups, hold_organizations

__all__ = [
    "DeadLetter",
    "EntriesRefusedError",
    "Entry",
    "LedgerRepository",
    "LockedSequence",
    "PostgresLedger",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that could be read, with its place in the source and as it came.

    *priced* is what a call costs; None of a message, which costs nothing by itself.
    """

    sequence: int
    payload: str
    record: CallRecord | MessageRecord
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

    async def count(self, entries: Sequence[Entry]) -> None:
        """Store and sum up all *entries*, whose organizations are held.

        Or none of them, and raise `EntriesRefusedError`. A call or message that was
        counted before is left as it is and adds nothing.
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

    async def count(self, entries: Sequence[Entry]) -> None:
        try:
            async with self._transaction.transaction():
                await self._count(entries)
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

    async def _count(self, entries: Sequence[Entry]) -> None:
        calls = {
            each.sequence: (each.record, each.priced)
            for each in entries
            if isinstance(each.record, CallRecord) and each.priced is not None
        }
        messages = {
            each.sequence: each.record
            for each in entries
            if isinstance(each.record, MessageRecord)
        }
        new_calls = [calls[each] for each in await self._insert_calls(calls)]
        new_messages = await self._insert_messages(messages)
        await add_to_rollups(
            self._transaction,
            rolled_up(new_calls, [messages[each] for each in new_messages]),
        )

    async def _insert_calls(
        self, calls: Mapping[int, tuple[CallRecord, PricedCall]]
    ) -> list[int]:
        """Store calls with their attempts.

        Return the places of the calls that were not counted before.
        """
        if not calls:
            return []
        counted = await self._transaction.fetch(
            """
            WITH given AS (
                SELECT
                    given.record -> 'attempts' AS attempts,
                    given.sequence,
                    given.cost,
                    given.price_version,
                    given.unpriced_reason,
                    call.*
                FROM ROWS FROM (
                    jsonb_array_elements($1::text::jsonb),
                    unnest($3::bigint[]),
                    unnest($4::numeric[]),
                    unnest($5::text[]),
                    unnest($6::text[])
                ) AS given (record, sequence, cost, price_version, unpriced_reason)
                CROSS JOIN LATERAL jsonb_to_record(
                    given.record || (given.record -> 'usage')
                ) AS call (
                    call_id uuid, org_id uuid, agent_id uuid, agent_type_id uuid,
                    provider_id uuid, provider_type text, use_case text, labels jsonb,
                    model text, endpoint text, is_streamed boolean, message_id uuid,
                    runner text, request_id text, status text, http_status integer,
                    started_at timestamptz, duration_ms bigint,
                    time_to_first_token_ms bigint, input_tokens bigint,
                    cached_input_tokens bigint, cache_write_5m_tokens bigint,
                    cache_write_1h_tokens bigint, output_tokens bigint,
                    reasoning_tokens bigint, web_searches bigint, service_tier text,
                    speed text, inference_geo text, usage_source text,
                    explanation jsonb
                )
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
                    inference_geo, usage_source, explanation, cost, price_version,
                    unpriced_reason, has_day
                )
                SELECT
                    call_id, org_id, $2, sequence, agent_id, agent_type_id,
                    provider_id, provider_type, use_case, labels, model, endpoint,
                    is_streamed, message_id, runner, request_id, status, http_status,
                    started_at, duration_ms, time_to_first_token_ms, input_tokens,
                    cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
                    output_tokens, reasoning_tokens, web_searches, service_tier, speed,
                    inference_geo, usage_source, explanation, cost, price_version,
                    unpriced_reason, held.day IS NOT NULL
                FROM given
                LEFT JOIN held ON held.day = (started_at AT TIME ZONE 'UTC')::date
                ON CONFLICT DO NOTHING
                RETURNING sequence, has_day
            ),
            attempted AS (
                INSERT INTO attempt (
                    call_id, call_started_at, position, org_id, attempt_id,
                    provider_id, model, started_at, duration_ms, http_status,
                    error_code, has_day
                )
                SELECT
                    given.call_id, given.started_at, attempt.position, given.org_id,
                    attempt.attempt_id, attempt.provider_id, attempt.model,
                    attempt.started_at, attempt.duration_ms, attempt.http_status,
                    attempt.error_code, counted.has_day
                FROM given
                JOIN counted USING (sequence)
                CROSS JOIN LATERAL ROWS FROM (
                    jsonb_to_recordset(given.attempts) AS (
                        attempt_id uuid, provider_id uuid, model text,
                        started_at timestamptz, duration_ms bigint,
                        http_status integer, error_code text
                    )
                ) WITH ORDINALITY AS attempt (
                    attempt_id, provider_id, model, started_at, duration_ms,
                    http_status, error_code, position
                )
            )
            SELECT sequence
            FROM counted
            """,
            _json_of(call for call, _ in calls.values()),
            self._source,
            list(calls),
            [priced.cost for _, priced in calls.values()],
            [priced.price_version for _, priced in calls.values()],
            [priced.unpriced_reason for _, priced in calls.values()],
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
                message_id, org_id, $2, given.sequence, agent_id, agent_type_id,
                status, finished_at, duration_ms
            FROM ROWS FROM (
                jsonb_array_elements($1::text::jsonb),
                unnest($3::bigint[])
            ) AS given (record, sequence)
            CROSS JOIN LATERAL jsonb_to_record(given.record) AS message (
                message_id uuid, org_id uuid, agent_id uuid, agent_type_id uuid,
                status text, finished_at timestamptz, duration_ms bigint
            )
            ON CONFLICT DO NOTHING
            RETURNING sequence
            """,
            _json_of(messages.values()),
            self._source,
            list(messages),
        )
        return [row["sequence"] for row in counted]


def _json_of(records: Iterable[CallRecord | MessageRecord]) -> str:
    return f"[{','.join(each.model_dump_json(exclude_none=True) for each in records)}]"
