"""Waiting for a service to wait for a lock, which a test holds."""

from typing import TypeAlias

import asyncpg

from ag2trust.waiting import until

__all__ = ["until_blocked"]

_Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def until_blocked(superuser: _Superuser, role: str) -> None:
    """Wait for *role* to wait for a lock in the middle of its transaction.

    *superuser* may be in the transaction that holds it: there PostgreSQL keeps showing
    the connections it showed first, so a later one is only seen in a new snapshot.
    """

    async def is_blocked() -> bool:
        await superuser.execute("SELECT pg_stat_clear_snapshot()")
        return bool(await superuser.fetchval(_IS_BLOCKED, role))

    await until(f"{role} waiting for a lock", is_blocked)


_IS_BLOCKED = """
SELECT EXISTS (
    SELECT
    FROM pg_stat_activity
    WHERE datname = current_database() AND usename = $1 AND wait_event_type = 'Lock'
)
"""
