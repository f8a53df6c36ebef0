"""The partitions of days and the rollups of minutes, in PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

import asyncpg

from shared.database import Database, Transaction
from shared.errors import UnavailableError

__all__ = ["PostgresRetention", "RetentionRepository"]


class RetentionRepository(Protocol):
    async def make_days(self, *, ahead: int) -> None:
        """Make the partitions from yesterday to *ahead* days from now."""

    async def drop_days(self, *, kept: int) -> int:
        """Drop the partitions before the last *kept* days; return how many."""

    async def drop_minutes(self, *, kept: timedelta) -> int:
        """Drop the rollups of minutes that are older; return how many."""


class PostgresRetention:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def make_days(self, *, ahead: int) -> None:
        async with self._not_waiting() as transaction:
            await transaction.execute(
                "SELECT make_days(current_date - 1, current_date + $1::integer)", ahead
            )

    async def drop_days(self, *, kept: int) -> int:
        async with self._not_waiting() as transaction:
            dropped: int = await transaction.fetchval("SELECT drop_days($1)", kept)
        return dropped

    async def drop_minutes(self, *, kept: timedelta) -> int:
        async with self._database.sweep() as transaction:
            dropped: int = await transaction.fetchval(
                """
                WITH dropped AS (
                    DELETE FROM rollup
                    WHERE grain = 'minute'
                        AND starts_at < now() - $1::interval
                    RETURNING true
                )
                SELECT count(*)
                FROM dropped
                """,
                kept,
            )
        return dropped

    @asynccontextmanager
    async def _not_waiting(self) -> AsyncIterator[Transaction]:
        """Give up soon: whoever waits for a whole table makes all others wait too."""
        try:
            async with self._database.sweep() as transaction:
                await transaction.execute("SET LOCAL lock_timeout = '1s'")
                yield transaction
        except asyncpg.LockNotAvailableError as error:
            raise UnavailableError("The calls are in use right now.") from error
