"""The partitions of days and the rollups of minutes, in PostgreSQL."""

from datetime import timedelta
from typing import Protocol

import asyncpg

from shared.database import Database
from shared.errors import UnavailableError

__all__ = ["PostgresRetention", "RetentionRepository"]

_MINUTES_AT_ONCE = 10_000


class RetentionRepository(Protocol):
    async def make_days(self, *, ahead: int, kept: int) -> None:
        """Make the partitions of yesterday to *ahead* days from now.

        And those between the newest that is there and yesterday, at most *kept*.
        """

    async def drop_days(self, *, kept: int) -> int:
        """Drop the partitions before the last *kept* days; return how many days."""

    async def drop_minutes(self, *, kept: timedelta) -> int:
        """Drop the rollups of minutes that are older; return how many."""


class PostgresRetention:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def make_days(self, *, ahead: int, kept: int) -> None:
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                WITH today AS (
                    SELECT (now() AT TIME ZONE 'UTC')::date AS day
                )
                SELECT make_days(
                    greatest(
                        least(
                            today.day - 1,
                            (SELECT max(kept_day.day) + 1 FROM kept_day)
                        ),
                        today.day - $2::integer
                    ),
                    today.day + $1::integer
                )
                FROM today
                """,
                ahead,
                kept,
            )

    async def drop_days(self, *, kept: int) -> int:
        async with self._database.sweep() as transaction:
            await transaction.execute("SELECT retire_days($1)", kept)
        return await self._drop_retired_days()

    async def drop_minutes(self, *, kept: timedelta) -> int:
        dropped = 0
        while some := await self._drop_some_minutes(kept):
            dropped += some
        return dropped

    async def _drop_retired_days(self) -> int:
        """Give up soon: whoever waits for a whole table makes all others wait too."""
        try:
            async with self._database.sweep() as transaction:
                await transaction.execute("SET LOCAL lock_timeout = '200ms'")
                dropped: int = await transaction.fetchval("SELECT drop_days()")
        except asyncpg.LockNotAvailableError as error:
            raise UnavailableError("The calls are in use right now.") from error
        return dropped

    async def _drop_some_minutes(self, kept: timedelta) -> int:
        """Leave to the next round what somebody adds to right now."""
        async with self._database.sweep() as transaction:
            dropped: int = await transaction.fetchval(
                """
                WITH old AS (
                    SELECT grain, org_id, dimension, key, starts_at
                    FROM rollup
                    WHERE grain = 'minute'
                        AND starts_at < now() - $1::interval
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                ),
                dropped AS (
                    DELETE FROM rollup
                    USING old
                    WHERE rollup.grain = old.grain
                        AND rollup.org_id = old.org_id
                        AND rollup.dimension = old.dimension
                        AND rollup.key = old.key
                        AND rollup.starts_at = old.starts_at
                    RETURNING true
                )
                SELECT count(*)
                FROM dropped
                """,
                kept,
                _MINUTES_AT_ONCE,
            )
        return dropped
