"""What agents do now and did before, as the rules of alerts look at it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from metrics.detection.traffic import (
    DAYS_BEFORE,
    QUARTERS_AROUND,
    Amount,
    Minute,
    Usual,
)
from metrics.rollups.rollups import Grain
from metrics.rollups.sketch import Sketch
from shared.database import Database, Transaction

__all__ = ["PostgresWatchedTraffic", "UnpricedModel", "WatchedTrafficRepository"]


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model nobody knows a price of, and how many calls it had."""

    model: str
    calls: int


class WatchedTrafficRepository(Protocol):
    async def organizations(self) -> list[UUID]:
        """List the organizations that ever made a call."""

    async def minutes(
        self, org_id: UUID, *, since: datetime
    ) -> Mapping[str, list[Minute]]:
        """Return the minutes from *since* on of each agent that has any."""

    async def usual(
        self, org_id: UUID, agents: Collection[str], *, now: datetime
    ) -> Mapping[str, Usual]:
        """Return what is usual of those of *agents* that have a history."""

    async def busiest_five_minutes(
        self, org_id: UUID, agents: Collection[str], *, now: datetime
    ) -> Mapping[str, Amount]:
        """Return the most of five minutes about this time of the day before.

        Of the last seven days those count whose minutes are kept.
        """

    async def unpriced_models(
        self, org_id: UUID, *, since: datetime, until: datetime
    ) -> list[UnpricedModel]:
        """Look through whole quarters of an hour; a clock ahead dates calls later."""


class PostgresWatchedTraffic:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def organizations(self) -> list[UUID]:
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                WITH RECURSIVE known AS (
                    (
                        SELECT org_id
                        FROM rollup
                        WHERE grain = 'day'
                        ORDER BY org_id
                        LIMIT 1
                    )
                    UNION ALL
                    SELECT (
                        SELECT org_id
                        FROM rollup
                        WHERE grain = 'day'
                            AND org_id > known.org_id
                        ORDER BY org_id
                        LIMIT 1
                    )
                    FROM known
                    WHERE known.org_id IS NOT NULL
                )
                SELECT org_id
                FROM known
                WHERE org_id IS NOT NULL
                """
            )
        return [row["org_id"] for row in rows]

    async def minutes(
        self, org_id: UUID, *, since: datetime
    ) -> Mapping[str, list[Minute]]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT
                    key,
                    starts_at,
                    calls,
                    failed_calls,
                    input_tokens + cached_input_tokens + cache_write_5m_tokens
                        + cache_write_1h_tokens + output_tokens AS tokens,
                    response_times
                FROM rollup
                WHERE grain = 'minute'
                    AND dimension = 'agent'
                    AND starts_at >= $1
                ORDER BY starts_at
                """,
                since,
            )
        minutes: dict[str, list[Minute]] = defaultdict(list)
        for row in rows:
            minutes[row["key"]].append(
                Minute(
                    starts_at=row["starts_at"],
                    calls=row["calls"],
                    failed_calls=row["failed_calls"],
                    tokens=row["tokens"],
                    response_times=Sketch.from_bytes(row["response_times"]),
                )
            )
        return minutes

    async def usual(
        self, org_id: UUID, agents: Collection[str], *, now: datetime
    ) -> Mapping[str, Usual]:
        async with self._database.organization(org_id) as transaction:
            quarters = await _quarters(transaction, agents, now=now)
            rows = await transaction.fetch(
                """
                SELECT
                    key,
                    sum(calls)::bigint AS calls,
                    sum(failed_calls)::bigint AS failed_calls,
                    string_agg(response_times, '') AS response_times
                FROM rollup
                WHERE grain = 'day'
                    AND dimension = 'agent'
                    AND key = ANY($1)
                    AND starts_at >= $2
                    AND starts_at < $3
                GROUP BY key
                """,
                list(agents),
                Grain.DAY.floor(now) - timedelta(days=DAYS_BEFORE),
                Grain.DAY.floor(now),
            )
        return {
            row["key"]: Usual(
                quarters=quarters[row["key"]],
                calls=row["calls"],
                failed_calls=row["failed_calls"],
                response_times=Sketch.from_bytes(row["response_times"]),
            )
            for row in rows
        }

    async def busiest_five_minutes(
        self, org_id: UUID, agents: Collection[str], *, now: datetime
    ) -> Mapping[str, Amount]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT
                    key,
                    max(calls)::bigint AS calls,
                    max(tokens)::bigint AS tokens
                FROM (
                    SELECT
                        key,
                        sum(calls) OVER five_minutes AS calls,
                        sum(
                            input_tokens + cached_input_tokens + cache_write_5m_tokens
                                + cache_write_1h_tokens + output_tokens
                        ) OVER five_minutes AS tokens
                    FROM unnest($2::timestamptz[]) AS middle
                    JOIN rollup ON starts_at >= middle - $3::interval
                        AND starts_at < middle + $3::interval + $4::interval
                    WHERE grain = 'minute'
                        AND dimension = 'agent'
                        AND key = ANY($1)
                    WINDOW five_minutes AS (
                        PARTITION BY key
                        ORDER BY starts_at
                        RANGE '4 minutes' PRECEDING
                    )
                ) AS five_minutes
                GROUP BY key
                """,
                list(agents),
                _this_quarter_of_days_before(now),
                QUARTERS_AROUND,
                Grain.QUARTER.length,
            )
        return {row["key"]: Amount(row["calls"], row["tokens"]) for row in rows}

    async def unpriced_models(
        self, org_id: UUID, *, since: datetime, until: datetime
    ) -> list[UnpricedModel]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT key, sum(unpriced_calls)::bigint AS calls
                FROM rollup
                WHERE grain = 'quarter'
                    AND dimension = 'model'
                    AND starts_at >= $1
                    AND starts_at <= $2
                GROUP BY key
                HAVING sum(unpriced_calls) > 0
                    AND EXISTS (
                        SELECT
                        FROM call
                        WHERE left(model, 500) = key
                            AND started_at >= $1
                            AND started_at <= $2
                            AND unpriced_reason = 'MODEL_UNKNOWN'
                    )
                """,
                since,
                until,
            )
        return [UnpricedModel(row["key"], row["calls"]) for row in rows]


async def _quarters(
    transaction: Transaction, agents: Collection[str], *, now: datetime
) -> Mapping[str, list[Amount]]:
    """Read the quarters about this time of the day, of each day before."""
    rows = await transaction.fetch(
        """
        SELECT
            key,
            calls,
            input_tokens + cached_input_tokens + cache_write_5m_tokens
                + cache_write_1h_tokens + output_tokens AS tokens
        FROM unnest($2::timestamptz[]) AS middle
        JOIN rollup ON starts_at BETWEEN middle - $3::interval
            AND middle + $3::interval
        WHERE grain = 'quarter'
            AND dimension = 'agent'
            AND key = ANY($1)
        """,
        list(agents),
        _this_quarter_of_days_before(now),
        QUARTERS_AROUND,
    )
    quarters: dict[str, list[Amount]] = defaultdict(list)
    for row in rows:
        quarters[row["key"]].append(Amount(row["calls"], row["tokens"]))
    return quarters


def _this_quarter_of_days_before(now: datetime) -> list[datetime]:
    return [
        Grain.QUARTER.floor(now) - timedelta(days=ago)
        for ago in range(1, DAYS_BEFORE + 1)
    ]
