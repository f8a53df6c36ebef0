"""Usage, summed up by PostgreSQL from rollups, and from calls at a period's edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from metrics.rollups.rollups import Figures
from metrics.rollups.sketch import Sketch
from metrics.rollups.spans import Reading
from shared.database import Database

__all__ = ["PostgresUsage", "Sums", "UsageRepository"]


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of one key in one bucket; buckets count from 0."""

    bucket: int
    key: str
    figures: Figures
    response_times: Sketch


class UsageRepository(Protocol):
    async def of_key(
        self,
        org_id: UUID,
        reading: Reading,
        *,
        dimension: str,
        key: str,
        buckets: Sequence[datetime],
    ) -> list[Sums]:
        """Sum up what has *key*, by *buckets* (their beginnings, ascending).

        A bucket in which nothing happened is left out.
        """

    async def by_key(
        self,
        org_id: UUID,
        reading: Reading,
        *,
        dimension: str,
        limit: int,
        offset: int,
    ) -> list[Sums]:
        """Sum up by key, in one bucket; those with most tokens first."""


class PostgresUsage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_key(
        self,
        org_id: UUID,
        reading: Reading,
        *,
        dimension: str,
        key: str,
        buckets: Sequence[datetime],
    ) -> list[Sums]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                _OF_KEY, dimension, *_spans(reading), buckets, key
            )
        return [_sums(row) for row in rows]

    async def by_key(
        self,
        org_id: UUID,
        reading: Reading,
        *,
        dimension: str,
        limit: int,
        offset: int,
    ) -> list[Sums]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                _BY_KEY, dimension, *_spans(reading), [], limit, offset
            )
        return [_sums(row) for row in rows]


_SUMS = """
WITH span AS (
    SELECT *
    FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[])
        AS span (grain, since, until)
),
edge AS (
    SELECT *
    FROM unnest($5::timestamptz[], $6::timestamptz[]) AS edge (since, until)
),
part AS (
    SELECT
        rollup.key,
        rollup.starts_at AS at,
        rollup.calls,
        rollup.failed_calls,
        rollup.cancelled_calls,
        rollup.interrupted_calls,
        rollup.unpriced_calls,
        rollup.cost,
        rollup.input_tokens,
        rollup.cached_input_tokens,
        rollup.cache_write_5m_tokens,
        rollup.cache_write_1h_tokens,
        rollup.output_tokens,
        rollup.reasoning_tokens,
        rollup.timed_calls,
        rollup.duration_ms,
        rollup.timed_first_tokens,
        rollup.time_to_first_token_ms,
        rollup.messages_processed,
        rollup.timed_messages,
        rollup.message_duration_ms,
        rollup.response_times,
        NULL::bigint AS response_time
    FROM span
    JOIN rollup
        ON rollup.grain = span.grain
        AND rollup.starts_at >= span.since
        AND rollup.starts_at < span.until
    WHERE rollup.dimension = $1
        {of_rollup}
    UNION ALL
    SELECT
        call.key,
        call.started_at,
        1,
        (call.status = 'failed')::integer,
        (call.status = 'cancelled')::integer,
        (call.status = 'interrupted')::integer,
        (call.cost IS NULL)::integer,
        coalesce(call.cost, 0),
        coalesce(call.input_tokens, 0),
        coalesce(call.cached_input_tokens, 0),
        coalesce(call.cache_write_5m_tokens, 0),
        coalesce(call.cache_write_1h_tokens, 0),
        coalesce(call.output_tokens, 0),
        coalesce(call.reasoning_tokens, 0),
        (call.duration_ms IS NOT NULL)::integer,
        coalesce(call.duration_ms, 0),
        (call.time_to_first_token_ms IS NOT NULL)::integer,
        coalesce(call.time_to_first_token_ms, 0),
        0,
        0,
        0,
        NULL,
        call.duration_ms
    FROM edge
    JOIN dimension_of_call AS call
        ON call.started_at >= edge.since
        AND call.started_at < edge.until
    WHERE call.dimension = $1
        {of_call}
    UNION ALL
    SELECT
        message.key,
        message.finished_at,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1,
        (message.duration_ms IS NOT NULL)::integer,
        coalesce(message.duration_ms, 0),
        NULL,
        NULL
    FROM edge
    JOIN dimension_of_message AS message
        ON message.finished_at >= edge.since
        AND message.finished_at < edge.until
    WHERE message.dimension = $1
        AND message.status = 'completed'
        {of_message}
)
SELECT
    greatest(width_bucket(at, $7::timestamptz[]) - 1, 0) AS bucket,
    key,
    sum(calls) AS calls,
    sum(failed_calls) AS failed_calls,
    sum(cancelled_calls) AS cancelled_calls,
    sum(interrupted_calls) AS interrupted_calls,
    sum(unpriced_calls) AS unpriced_calls,
    sum(cost) AS cost,
    sum(input_tokens) AS input_tokens,
    sum(cached_input_tokens) AS cached_input_tokens,
    sum(cache_write_5m_tokens) AS cache_write_5m_tokens,
    sum(cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(output_tokens) AS output_tokens,
    sum(reasoning_tokens) AS reasoning_tokens,
    sum(timed_calls) AS timed_calls,
    sum(duration_ms) AS duration_ms,
    sum(timed_first_tokens) AS timed_first_tokens,
    sum(time_to_first_token_ms) AS time_to_first_token_ms,
    sum(messages_processed) AS messages_processed,
    sum(timed_messages) AS timed_messages,
    sum(message_duration_ms) AS message_duration_ms,
    coalesce(string_agg(response_times, ''), '') AS response_times,
    array_agg(response_time) FILTER (WHERE response_time IS NOT NULL)
        AS response_time_of_calls
FROM part
GROUP BY 1, 2
"""

_OF_KEY = (
    _SUMS.replace("{of_rollup}", "AND rollup.key = $8")
    .replace("{of_call}", "AND call.key = $8")
    .replace("{of_message}", "AND message.key = $8")
)
_BY_KEY = (
    _SUMS.replace("{of_rollup}", "")
    .replace("{of_call}", "")
    .replace("{of_message}", "")
    + """
ORDER BY
    sum(input_tokens) + sum(cached_input_tokens) + sum(cache_write_5m_tokens)
        + sum(cache_write_1h_tokens) + sum(output_tokens) DESC,
    key
LIMIT $8
OFFSET $9
"""
)


def _spans(reading: Reading) -> tuple[Sequence[object], ...]:
    return (
        [grain for grain, _ in reading.rollups],
        [span.since for _, span in reading.rollups],
        [span.until for _, span in reading.rollups],
        [span.since for span in reading.calls],
        [span.until for span in reading.calls],
    )


def _sums(row: "asyncpg.Record") -> Sums:
    counts = {name: int(row[name]) for name in Figures._fields if name != "cost"}
    return Sums(
        bucket=row["bucket"],
        key=row["key"],
        figures=Figures(cost=row["cost"], **counts),
        response_times=Sketch.from_bytes(
            row["response_times"]
            + Sketch.of(row["response_time_of_calls"] or ()).to_bytes()
        ),
    )
