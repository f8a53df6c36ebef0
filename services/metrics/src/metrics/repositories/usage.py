"""Usage, summed up by PostgreSQL from rollups, and from calls at a period's edges.

What is not yet folded into the rollups is added to them.

A statement is put together for each reading, one SELECT for each of its spans: with the
grain and the times of each in plain sight, the planner leaves out whatever lies
elsewhere, which a join with a table of spans does not let it see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from metrics.rollups.rollups import Figures
from metrics.rollups.sketch import Sketch
from metrics.rollups.spans import Reading, Span
from shared.database import Database

__all__ = ["PostgresUsage", "Sums", "UsageRepository"]


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of one key in one bucket; buckets count from 0.

    *response_times* are the bytes of sketches, side by side.
    """

    bucket: int
    key: str
    figures: Figures
    response_times: bytes


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
        if reading.is_empty:
            return []
        statement = _Statement(dimension, buckets, key)
        async with self._database.organization(org_id) as transaction:
            if buckets:
                await transaction.execute(_ROOM_FOR_SKETCHES)
            rows = await transaction.fetch(
                statement.summing_up(reading), *statement.arguments
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
        if reading.is_empty:
            return []
        statement = _Statement(dimension, [])
        async with self._database.organization(org_id) as transaction:
            await transaction.execute(_ROOM_FOR_SKETCHES)
            rows = await transaction.fetch(
                statement.summing_up(reading) + statement.page(limit, offset),
                *statement.arguments,
            )
        return [_sums(row) for row in rows]


class _Statement:
    """A statement in the making; *arguments* are those of its parameters so far."""

    def __init__(
        self, dimension: str, buckets: Sequence[datetime], key: str | None = None
    ) -> None:
        self.arguments: list[object] = []
        self._words = {
            "dimension": self._parameter(dimension),
            "buckets": self._parameter(buckets),
            "of_key": "" if key is None else f"AND key = {self._parameter(key)}",
        }

    def summing_up(self, reading: Reading) -> str:
        parts = " UNION ALL ".join(self._parts(reading))
        return _SUMS.format(parts=parts, columns=_COLUMNS, **self._words)

    def page(self, limit: int, offset: int) -> str:
        return _PAGE.format(
            limit=self._parameter(limit), offset=self._parameter(offset)
        )

    def _parts(self, reading: Reading) -> Iterator[str]:
        for grain, span in reading.rollups:
            yield self._part(_ROLLUPS + f"AND grain = '{grain}'", span, table="rollup")
        for span in reading.in_rollups:
            yield self._part(_ROLLUPS, span, table="fresh_rollup")
        for span in reading.calls:
            yield self._part(_CALLS, span)
            yield self._part(_MESSAGES, span)

    def _part(self, part: str, span: Span, **words: str) -> str:
        return part.format(
            since=self._parameter(span.since),
            until=self._parameter(span.until),
            **words,
            **self._words,
        )

    def _parameter(self, argument: object) -> str:
        self.arguments.append(argument)
        return f"${len(self.arguments)}"


# A thousand buckets or keys with their sketches would go to temporary files instead.
_ROOM_FOR_SKETCHES = "SET LOCAL work_mem = '16MB'"

_COLUMNS = ", ".join(["key", "at", *Figures._fields, "response_times", "response_time"])

_ROLLUPS = """
    SELECT
        key,
        starts_at,
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
        message_duration_ms,
        response_times,
        NULL::bigint
    FROM {table}
    WHERE dimension = {dimension}
        {of_key}
        AND starts_at >= {since}
        AND starts_at < {until}
"""

_CALLS = """
    SELECT
        key,
        started_at,
        1,
        (status = 'failed')::integer,
        (status = 'cancelled')::integer,
        (status = 'interrupted')::integer,
        (cost IS NULL)::integer,
        coalesce(cost, 0),
        coalesce(input_tokens, 0),
        coalesce(cached_input_tokens, 0),
        coalesce(cache_write_5m_tokens, 0),
        coalesce(cache_write_1h_tokens, 0),
        coalesce(output_tokens, 0),
        coalesce(reasoning_tokens, 0),
        (duration_ms IS NOT NULL)::integer,
        coalesce(duration_ms, 0),
        (time_to_first_token_ms IS NOT NULL)::integer,
        coalesce(time_to_first_token_ms, 0),
        0,
        0,
        0,
        NULL::bytea,
        duration_ms
    FROM dimension_of_call
    WHERE dimension = {dimension}
        {of_key}
        AND started_at >= {since}
        AND started_at < {until}
"""

_MESSAGES = """
    SELECT
        key,
        finished_at,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1,
        (duration_ms IS NOT NULL)::integer,
        coalesce(duration_ms, 0),
        NULL::bytea,
        NULL::bigint
    FROM dimension_of_message
    WHERE dimension = {dimension}
        AND status = 'completed'
        {of_key}
        AND finished_at >= {since}
        AND finished_at < {until}
"""

# `_sums` reads columns by their place, those of `Figures` in its order.
_SUMS = """
SELECT
    greatest(width_bucket(at, {buckets}::timestamptz[]) - 1, 0) AS bucket,
    key,
    sum(calls)::bigint AS calls,
    sum(failed_calls)::bigint AS failed_calls,
    sum(cancelled_calls)::bigint AS cancelled_calls,
    sum(interrupted_calls)::bigint AS interrupted_calls,
    sum(unpriced_calls)::bigint AS unpriced_calls,
    sum(cost) AS cost,
    sum(input_tokens)::bigint AS input_tokens,
    sum(cached_input_tokens)::bigint AS cached_input_tokens,
    sum(cache_write_5m_tokens)::bigint AS cache_write_5m_tokens,
    sum(cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
    sum(output_tokens)::bigint AS output_tokens,
    sum(reasoning_tokens)::bigint AS reasoning_tokens,
    sum(timed_calls)::bigint AS timed_calls,
    sum(duration_ms)::bigint AS duration_ms,
    sum(timed_first_tokens)::bigint AS timed_first_tokens,
    sum(time_to_first_token_ms)::bigint AS time_to_first_token_ms,
    sum(messages_processed)::bigint AS messages_processed,
    sum(timed_messages)::bigint AS timed_messages,
    sum(message_duration_ms)::bigint AS message_duration_ms,
    coalesce(string_agg(response_times, ''), '') AS response_times,
    array_agg(response_time) FILTER (WHERE response_time IS NOT NULL)
        AS response_time_of_calls
FROM ({parts}) AS part ({columns})
GROUP BY 1, 2
"""

_PAGE = """
ORDER BY
    sum(input_tokens) + sum(cached_input_tokens) + sum(cache_write_5m_tokens)
        + sum(cache_write_1h_tokens) + sum(output_tokens) DESC,
    key
LIMIT {limit}
OFFSET {offset}
"""


def _sums(row: "asyncpg.Record") -> Sums:
    bucket, key, *figures, response_times, of_calls = row
    if of_calls:
        response_times += Sketch.of(of_calls).to_bytes()
    return Sums(bucket, key, Figures._make(figures), response_times)
