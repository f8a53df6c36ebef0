"""Rollups in PostgreSQL, as the transactions that change them see them.

Whoever changes rollups first holds their organizations, in a fixed order: no two such
transactions wait for one another. A sketch grows by what is laid beside it, and is
packed anew when it has grown long.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import asyncpg

from metrics.rollups.rollups import Grain, Minute, Rollup, by_grain
from metrics.rollups.sketch import Sketch
from shared.database import Transaction

__all__ = ["LONG", "Turns", "add_to_rollups", "hold_organizations", "mend_rollups"]

_LOCKS = 2658  # what the advisory locks are about; ours alone
_LOCKS_AT_MOST = 64
LONG = 1_500  # bytes; PostgreSQL keeps a row of 2,000 in one piece


class Turns:
    """Queues those of this process who are about to change the same rollups.

    Before they begin a transaction: one that waited inside it would keep PostgreSQL
    from clearing away what the others leave behind at every change of a row.
    """

    def __init__(self) -> None:
        self._locks = [asyncio.Lock() for _ in range(_LOCKS_AT_MOST)]

    @asynccontextmanager
    async def of(self, org_ids: Iterable[UUID]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for number in _locks_of(org_ids):
                await stack.enter_async_context(self._locks[number])
            yield


async def hold_organizations(transaction: Transaction, org_ids: Iterable[UUID]) -> None:
    """Let nobody else change rollups of these organizations until the end."""
    await transaction.execute(
        """
        SELECT pg_advisory_xact_lock($1, number)
        FROM unnest($2::integer[]) AS number
        """,
        _LOCKS,
        _locks_of(org_ids),
    )


def _locks_of(org_ids: Iterable[UUID]) -> list[int]:
    """Name locks, in order; organizations share some, for PostgreSQL has not many."""
    return sorted({org_id.int % _LOCKS_AT_MOST for org_id in org_ids})


async def add_to_rollups(
    transaction: Transaction, rollups: Mapping[Minute, Rollup]
) -> None:
    """Add *rollups* to those of every grain; their organizations are held."""
    if not rollups:
        return
    for grains, parts in by_grain(rollups):
        await _add(transaction, grains, parts)


async def _add(
    transaction: Transaction, grains: Sequence[Grain], rollups: Mapping[Minute, Rollup]
) -> None:
    """Add *rollups*, no two of which fall into one rollup of *grains*.

    What a sketch grows by is laid before it: PostgreSQL logs of a changed row what is
    not the same at its end.
    """
    long_ones = await transaction.fetch(
        """
        WITH added AS (
            SELECT *
            FROM unnest($1::given_rollup[])
        ),
        grown AS (
            INSERT INTO rollup AS there (
                grain, org_id, dimension, key, starts_at, response_times, calls,
                failed_calls, cancelled_calls, interrupted_calls, unpriced_calls,
                cost, input_tokens, cached_input_tokens, cache_write_5m_tokens,
                cache_write_1h_tokens, output_tokens, reasoning_tokens, timed_calls,
                duration_ms, timed_first_tokens, time_to_first_token_ms,
                messages_processed, timed_messages, message_duration_ms
            )
            SELECT
                grain.name,
                org_id,
                dimension,
                key,
                date_bin(grain.length, starts_at, grain.origin),
                response_times,
                calls,
                failed_calls,
                cancelled_calls,
                interrupted_calls,
                unpriced_calls,
                cost,
                input_tokens,
                cached_input_tokens,
                cache_write_5m_tokens,
                cache_write_1h_tokens,
                output_tokens,
                reasoning_tokens,
                timed_calls,
                duration_ms,
                timed_first_tokens,
                time_to_first_token_ms,
                messages_processed,
                timed_messages,
                message_duration_ms
            FROM added
            CROSS JOIN grain
            WHERE grain.name = ANY($3)
            ON CONFLICT (grain, org_id, dimension, key, starts_at) DO UPDATE
            SET
                response_times = excluded.response_times || there.response_times,
                calls = there.calls + excluded.calls,
                failed_calls = there.failed_calls + excluded.failed_calls,
                cancelled_calls = there.cancelled_calls + excluded.cancelled_calls,
                interrupted_calls
                    = there.interrupted_calls + excluded.interrupted_calls,
                unpriced_calls = there.unpriced_calls + excluded.unpriced_calls,
                cost = there.cost + excluded.cost,
                input_tokens = there.input_tokens + excluded.input_tokens,
                cached_input_tokens
                    = there.cached_input_tokens + excluded.cached_input_tokens,
                cache_write_5m_tokens
                    = there.cache_write_5m_tokens + excluded.cache_write_5m_tokens,
                cache_write_1h_tokens
                    = there.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
                output_tokens = there.output_tokens + excluded.output_tokens,
                reasoning_tokens = there.reasoning_tokens + excluded.reasoning_tokens,
                timed_calls = there.timed_calls + excluded.timed_calls,
                duration_ms = there.duration_ms + excluded.duration_ms,
                timed_first_tokens
                    = there.timed_first_tokens + excluded.timed_first_tokens,
                time_to_first_token_ms
                    = there.time_to_first_token_ms + excluded.time_to_first_token_ms,
                messages_processed
                    = there.messages_processed + excluded.messages_processed,
                timed_messages = there.timed_messages + excluded.timed_messages,
                message_duration_ms
                    = there.message_duration_ms + excluded.message_duration_ms
            RETURNING grain, org_id, dimension, key, starts_at, response_times
        )
        SELECT grain, org_id, dimension, key, starts_at, response_times
        FROM grown
        WHERE length(response_times) > $2
        """,
        [
            (*minute, rollup.response_times.to_bytes(), *rollup.figures)
            for minute, rollup in rollups.items()
        ],
        LONG,
        grains,
    )
    await _pack(transaction, long_ones)


async def mend_rollups(
    transaction: Transaction, rollups: Mapping[Minute, Rollup]
) -> None:
    """Add cost and unpriced calls to the rollups that are still there.

    What is kept no longer, old minutes, is not made again.
    """
    if not rollups:
        return
    await transaction.execute(
        """
        WITH change AS (
            SELECT
                grain.name AS grain,
                org_id,
                dimension,
                key,
                date_bin(grain.length, starts_at, grain.origin) AS starts_at,
                sum(cost) AS cost,
                sum(unpriced_calls) AS unpriced_calls
            FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::timestamptz[],
                $5::numeric[], $6::bigint[]
            ) AS change (org_id, dimension, key, starts_at, cost, unpriced_calls)
            CROSS JOIN grain
            GROUP BY 1, 2, 3, 4, 5
        )
        UPDATE rollup
        SET
            cost = rollup.cost + change.cost,
            unpriced_calls = rollup.unpriced_calls + change.unpriced_calls
        FROM change
        WHERE rollup.grain = change.grain
            AND rollup.org_id = change.org_id
            AND rollup.dimension = change.dimension
            AND rollup.key = change.key
            AND rollup.starts_at = change.starts_at
        """,
        *zip(
            *(
                (*minute, rollup.figures.cost, rollup.figures.unpriced_calls)
                for minute, rollup in rollups.items()
            ),
            strict=True,
        ),
    )


async def _pack(transaction: Transaction, rows: Sequence["asyncpg.Record"]) -> None:
    """Make long sketches short again, each bin once."""
    if not rows:
        return
    await transaction.execute(
        """
        UPDATE rollup
        SET response_times = packed.response_times
        FROM unnest(
            $1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[],
            $6::bytea[]
        ) AS packed (grain, org_id, dimension, key, starts_at, response_times)
        WHERE rollup.grain = packed.grain
            AND rollup.org_id = packed.org_id
            AND rollup.dimension = packed.dimension
            AND rollup.key = packed.key
            AND rollup.starts_at = packed.starts_at
        """,
        *(
            [row[name] for row in rows]
            for name in ("grain", "org_id", "dimension", "key", "starts_at")
        ),
        [Sketch.from_bytes(row["response_times"]).to_bytes() for row in rows],
    )
