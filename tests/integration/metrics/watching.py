"""Waiting for what the database shows."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from .conftest import Superuser

__all__ = ["applied_through", "until", "until_blocked"]

_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.01


async def until(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = _SECONDS
) -> None:
    """Look again and again, at a rate that leaves the processor to others."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def applied_through(superuser: Superuser, source: UUID) -> int:
    """Return how far *source* is applied, as far as is committed."""
    return (
        await superuser.fetchval(
            "SELECT applied_through FROM sequence WHERE source = $1", source
        )
        or 0
    )


async def until_blocked(superuser: Superuser, *, role: str = "metrics_sweep") -> None:
    """Wait for the service to wait for a lock in the middle of its transaction."""

    async def is_blocked() -> bool:
        return bool(
            await superuser.fetchval(
                """
                SELECT count(*)
                FROM pg_stat_activity
                WHERE datname = current_database()
                    AND usename = $1
                    AND wait_event_type = 'Lock'
                """,
                role,
            )
        )

    await until(is_blocked)
