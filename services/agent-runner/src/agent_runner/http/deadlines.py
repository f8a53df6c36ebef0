"""Deadlines of connections, kept by looking at all of them a few times a second.

A timer for each phase of each request would cost more than the request's parsing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

__all__ = ["NEVER", "Deadlines", "Expiring", "watching_deadlines"]

NEVER = float("inf")
_EVERY_SECONDS = 0.1


class Expiring(Protocol):
    deadline: float
    """By the clock of the event loop; the connection moves it as it lives."""

    def expire(self) -> None:
        """Give up: the deadline has passed."""


class Deadlines(set[Expiring]):
    """The connections that are watched."""

    def enforce(self, now: float) -> None:
        for each in [each for each in self if each.deadline <= now]:
            each.expire()


@asynccontextmanager
async def watching_deadlines() -> AsyncIterator[Deadlines]:
    """Enforce deadlines while the block runs, each within a tenth of a second."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines()
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        timer = loop.call_later(_EVERY_SECONDS, look)  # first: what follows may fail
        deadlines.enforce(loop.time())

    look()
    try:
        yield deadlines
    finally:
        if timer is not None:
            timer.cancel()
