"""Ninety days of calls of one organization, made by PostgreSQL itself.

They have the shape of a real year's end: of 200 agents the busiest makes a sixth of all
calls, of twelve models the first a third; a weekend has 40 % of a working day, most
calls come in office hours; 97 % are completed, 2 % failed by five codes. Sums are made
of the calls by the dimensions of the product, and their sketches grow and are packed as
the service packs them. Those of one day are held against what the ledger makes of it.
"""

import math
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from ag2trust.testing import Stack
from metrics.repositories.fresh_rollups import LONG
from metrics.rollups.rollups import Grain
from metrics.rollups.sketch import Sketch

from .proof import prove_sums

__all__ = ["BUSIEST_AGENT", "DAYS", "ORGANIZATION", "RAREST_MODEL", "make_history"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

DAYS = 90
ORGANIZATION = UUID(int=1)
BUSIEST_AGENT = UUID(int=1_000)
RAREST_MODEL = "model-12"

_SOURCE = UUID(int=2)
_DAYS_BY_MINUTE = 8
_WEEKEND = 0.4
_SATURDAY = 5

_CALLS = """
INSERT INTO call (
    call_id, org_id, source, sequence, agent_id, agent_type_id, provider_id,
    provider_type, use_case, labels, model, endpoint, is_streamed, runner, request_id,
    status, http_status, started_at, duration_ms, time_to_first_token_ms, input_tokens,
    cached_input_tokens, output_tokens, usage_source, explanation, code, attempts, cost,
    price_version, unpriced_reason, has_day
)
SELECT
    uuidv7(started_at - now()),
    $1::uuid,
    $2::uuid,
    $3::bigint + number,
    lpad(to_hex(1000 + agent), 32, '0')::uuid,
    lpad(to_hex(2000 + agent % 20), 32, '0')::uuid,
    lpad(to_hex(3000 + model % 5), 32, '0')::uuid,
    (ARRAY['openai', 'anthropic', 'bedrock'])[1 + model % 3],
    (ARRAY['support', 'sales', 'research', 'coding', NULL])[1 + agent % 5],
    jsonb_build_object('team', 'team-' || agent % 10),
    'model-' || 1 + model,
    '/v1/chat/completions',
    true,
    'runner-1',
    'request-' || $3::bigint + number,
    status,
    CASE status WHEN 'completed' THEN 200 WHEN 'failed' THEN 429 END,
    started_at,
    duration_ms,
    duration_ms / 4,
    input_tokens,
    input_tokens / 3,
    output_tokens,
    'reported',
    CASE WHEN status = 'failed' THEN jsonb_build_object(
        'code', 'CODE_' || number % 5,
        'provider_error', 'rate_limit_exceeded',
        'message', 'The provider is busy.',
        'cause', 'Too many requests.',
        'fix', 'Wait, or raise the limit.',
        'retryable', true
    ) END,
    CASE WHEN status = 'failed' THEN 'CODE_' || number % 5 END,
    jsonb_build_array(jsonb_build_object(
        'attempt_id', $1::uuid,
        'provider_id', $1::uuid,
        'model', 'model-' || 1 + model,
        'started_at', started_at,
        'duration_ms', duration_ms,
        'http_status', 200,
        'error_code', NULL
    )),
    CASE WHEN model <> 11 THEN (input_tokens * 2.5 + output_tokens * 10) / 1000000 END,
    'prices-1',
    CASE WHEN model = 11 THEN 'MODEL_UNKNOWN' END,
    true
FROM (
    SELECT
        number,
        floor(200 * random() ^ 3)::integer AS agent,
        floor(12 * random() ^ 2.2)::integer AS model,
        $4::timestamptz + interval '1 day' * CASE
            WHEN random() < 0.3 THEN random()
            ELSE 1.0 / 3 + (random() + random()) / 5
        END AS started_at,
        CASE
            WHEN random() < 0.97 THEN 'completed'
            WHEN random() < 0.667 THEN 'failed'
            WHEN random() < 0.8 THEN 'cancelled'
            ELSE 'interrupted'
        END AS status,
        exp(7.3 + 0.9 * random_normal())::bigint AS duration_ms,
        exp(6.5 + 1.1 * random_normal())::bigint AS input_tokens,
        exp(5.5 + 1.0 * random_normal())::bigint AS output_tokens
    FROM generate_series(1, $5::integer) AS number
    ORDER BY started_at
) AS drawn
"""

_FINEST = """
CREATE TEMPORARY TABLE finest AS
SELECT
    dimension,
    key,
    date_bin($2::interval, started_at, $1::timestamptz) AS at,
    count(*) AS calls,
    count(*) FILTER (WHERE status = 'failed') AS failed_calls,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled_calls,
    count(*) FILTER (WHERE status = 'interrupted') AS interrupted_calls,
    count(*) FILTER (WHERE cost IS NULL) AS unpriced_calls,
    coalesce(sum(cost), 0) AS cost,
    sum(input_tokens) AS input_tokens,
    sum(cached_input_tokens) AS cached_input_tokens,
    sum(output_tokens) AS output_tokens,
    count(*) AS timed_calls,
    sum(duration_ms) AS duration_ms,
    sum(time_to_first_token_ms) AS time_to_first_token_ms,
    string_agg(
        int2send((
            CASE duration_ms
                WHEN 0 THEN 0
                ELSE 1 + ceil(ln(duration_ms::float8) / ln(1.02::float8 / 0.98))
            END
        )::smallint) || int4send(1),
        ''
    ) AS response_times
FROM dimension_of_call
WHERE started_at >= $1
    AND started_at < $1 + interval '1 day'
GROUP BY 1, 2, 3
"""

_ROLLUP = """
INSERT INTO rollup
SELECT
    $1::text,
    $2::uuid,
    dimension,
    key,
    date_bin($3::interval, at, $4::timestamptz),
    sum(calls),
    sum(failed_calls),
    sum(cancelled_calls),
    sum(interrupted_calls),
    sum(unpriced_calls),
    sum(cost),
    sum(input_tokens),
    sum(cached_input_tokens),
    0,
    0,
    sum(output_tokens),
    0,
    sum(timed_calls),
    sum(duration_ms),
    sum(timed_calls),
    sum(time_to_first_token_ms),
    0,
    0,
    0,
    string_agg(response_times, '')
FROM finest
GROUP BY 3, 4, 5
"""


async def make_history(stack: Stack, calls: int) -> None:
    connection = await stack.connect()
    await connection.execute(
        "SET search_path = metrics; SET synchronous_commit = off;"
        " SET timezone = 'UTC'; SET work_mem = '256MB'"
    )
    began = time.perf_counter()
    made = 0
    today = datetime.now(UTC).date()
    for day, count in _days(today, calls):
        await _make_day(connection, day, made, count, today)
        made += count
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    size = await connection.fetchval(
        "SELECT pg_size_pretty(pg_database_size(current_database()))"
    )
    yesterday = _midnight(today - timedelta(days=1))
    await prove_sums(connection, ORGANIZATION, yesterday, Grain)
    await connection.close()
    print(
        f"{made:,} calls over {DAYS} days made in"
        f" {time.perf_counter() - began:.0f} s; the database has {size}"
    )


def _days(today: date, calls: int) -> Iterator[tuple[date, int]]:
    """Share *calls* out among the days up to yesterday."""
    days = [today - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    weights = [_WEEKEND if day.weekday() >= _SATURDAY else 1.0 for day in days]
    for day, weight in zip(days, weights, strict=True):
        yield day, math.ceil(calls * weight / sum(weights))


async def _make_day(
    connection: Connection, day: date, made: int, count: int, today: date
) -> None:
    midnight = _midnight(day)
    is_by_minute = (today - day).days <= _DAYS_BY_MINUTE
    await connection.execute("SELECT make_days($1, $1)", day)
    await connection.execute(_CALLS, ORGANIZATION, _SOURCE, made, midnight, count)
    grains = {
        "minute": timedelta(minutes=1),
        "quarter": timedelta(minutes=15),
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
    }
    if not is_by_minute:
        del grains["minute"]
    await connection.execute(_FINEST, midnight, min(grains.values()))
    for name, length in grains.items():
        await connection.execute(_ROLLUP, name, ORGANIZATION, length, midnight)
    await connection.execute("DROP TABLE finest")
    await _pack(connection, midnight)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def _pack(connection: Connection, midnight: datetime) -> None:
    """Pack the long sketches of a day, as the service does when they have grown."""
    rows = await connection.fetch(
        """
        SELECT grain, dimension, key, starts_at, response_times
        FROM rollup
        WHERE starts_at >= $1
            AND starts_at < $1 + interval '1 day'
            AND length(response_times) > $2
        """,
        midnight,
        LONG,
    )
    await connection.executemany(
        """
        UPDATE rollup
        SET response_times = $6
        WHERE grain = $1
            AND org_id = $2
            AND dimension = $3
            AND key = $4
            AND starts_at = $5
        """,
        [
            (
                *(row["grain"], ORGANIZATION, row["dimension"], row["key"]),
                row["starts_at"],
                Sketch.from_bytes(row["response_times"]).to_bytes(),
            )
            for row in rows
        ],
    )
