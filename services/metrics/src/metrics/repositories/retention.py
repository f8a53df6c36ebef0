"""Partitions of days, messages, tool calls and rollups of minutes, in PostgreSQL."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Protocol

import asyncpg

from shared.database import Database, Transaction
from shared.errors import UnavailableError

__all__ = ["PostgresRetention", "RetentionRepository"]

_ROWS_AT_ONCE = 10_000
_LOCKS, _DROPPING = 2658, 65  # those below are of rollups, and of days that are made


class RetentionRepository(Protocol):
    async def make_days(self, *, ahead: int, kept: int) -> None:
        """Make the partitions of yesterday to *ahead* days from now.

        And those between the newest that is there and yesterday, at most *kept*.
        """

    async def drop_days(self, *, kept: int) -> int:
        """Drop the partitions before the last *kept* days; return how many days."""

    async def drop_messages(self, *, kept: timedelta) -> int:
        """Drop messages that were counted so long before the last; return how many.

        A clock that was put forward drops nothing.
        """

    async def drop_tool_calls(self, *, kept: timedelta) -> int:
        """Drop tool calls as `drop_messages` does messages."""

    async def drop_minutes(self, *, kept: timedelta) -> int:
        """Drop the rollups of minutes that are older; return how many.

        Older than so long before the end of the last day that has calls, too: a clock
        that was put forward drops nothing.
        """


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
            await _wait_for_others(transaction)
            await transaction.execute("SELECT retire_days($1)", kept)
        return await self._drop_retired_days()

    async def drop_messages(self, *, kept: timedelta) -> int:
        return await _all_dropped(
            partial(self._drop_some_counted, "message", "message_id"), kept
        )

    async def drop_tool_calls(self, *, kept: timedelta) -> int:
        return await _all_dropped(
            partial(self._drop_some_counted, "tool_call", "tool_call_id"), kept
        )

    async def drop_minutes(self, *, kept: timedelta) -> int:
        return await _all_dropped(self._drop_some_minutes, kept)

    async def _drop_retired_days(self) -> int:
        """Give up soon: whoever waits for a whole table makes all others wait too."""
        try:
            async with self._database.sweep() as transaction:
                await _wait_for_others(transaction)
                await transaction.execute("SET LOCAL lock_timeout = '200ms'")
                dropped: int = await transaction.fetchval("SELECT drop_days()")
        except asyncpg.LockNotAvailableError as error:
            raise UnavailableError("The calls are in use right now.") from error
        return dropped

    async def _drop_some_counted(self, table: str, key: str, kept: timedelta) -> int:
        async with self._database.sweep() as transaction:
            await _wait_for_others(transaction)
            dropped: int = await transaction.fetchval(
                f"""
                WITH old AS (
                    SELECT {key}
                    FROM {table}
                    WHERE recorded_at
                        < (SELECT max(recorded_at) FROM {table}) - $1::interval
                        AND recorded_at < now() - $1::interval
                    LIMIT $2
                ),
                dropped AS (
                    DELETE FROM {table}
                    USING old
                    WHERE {table}.{key} = old.{key}
                    RETURNING true
                )
                SELECT count(*)
                FROM dropped
                """,  # noqa: S608 - our own names
                kept,
                _ROWS_AT_ONCE,
            )
        return dropped

    async def _drop_some_minutes(self, kept: timedelta) -> int:
        """Leave to the next round what somebody adds to right now."""
        async with self._database.sweep() as transaction:
            dropped: int = await transaction.fetchval(
                """
                WITH newest AS (
                    SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
                    FROM kept_day
                    WHERE EXISTS (
                        SELECT
                        FROM call
                        WHERE started_at >= day::timestamp AT TIME ZONE 'UTC'
                            AND started_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
                    )
                ),
                old AS (
                    SELECT grain, org_id, dimension, key, starts_at
                    FROM rollup
                    WHERE grain = 'minute'
                        AND starts_at
                            < least(now(), (SELECT ends_at FROM newest)) - $1::interval
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
                _ROWS_AT_ONCE,
            )
        return dropped


async def _all_dropped(
    drop_some: Callable[[timedelta], Awaitable[int]], kept: timedelta
) -> int:
    """Drop some at a time until none is left; return how many."""
    dropped = 0
    while some := await drop_some(kept):
        dropped += some
    return dropped


async def _wait_for_others(transaction: Transaction) -> None:
    """Drop one process at a time: two at once might each hold what the other wants."""
    await transaction.execute(
        "SELECT pg_advisory_xact_lock($1::integer, $2::integer)", _LOCKS, _DROPPING
    )
