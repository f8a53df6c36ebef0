"""Waiting for a service to wait for a lock, which a test holds."""

from typing import TypeAlias

import asyncpg

from ag2trust.waiting import until

__all__ = ["blocked", "until_blocked"]

_Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def until_blocked(
    superuser: _Superuser, role: str, *, connections: int = 1
) -> None:
    """Wait for *role* to wait for locks in the middle of this many transactions."""

    async def is_blocked() -> bool:
        return len(await blocked(superuser, role)) >= connections

    await until(f"{role} waiting for a lock", is_blocked)


async def blocked(superuser: _Superuser, role: str) -> list[int]:
    """Tell the processes of PostgreSQL in which *role* waits for a lock.

    *superuser* may be in the transaction that holds it: there PostgreSQL keeps showing
    the connections it showed first, so a later one is only seen in a new snapshot.
    """
    await superuser.execute("SELECT pg_stat_clear_snapshot()")
    rows = await superuser.fetch(_BLOCKED, role)
    return [row["pid"] for row in rows]


_BLOCKED = """
SELECT pid
FROM pg_stat_activity
WHERE datname = current_database() AND usename = $1 AND wait_event_type = 'Lock'
"""
