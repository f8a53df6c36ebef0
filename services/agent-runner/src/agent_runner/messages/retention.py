"""Forgetting old conversations: messages long after their end, then their threads."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from agent_runner.repositories.retention import forget_messages, forget_threads
from shared.clock import Clock, utc_now
from shared.database import Database
from shared.lifecycle import every

__all__ = ["Retention"]

log = structlog.get_logger(__name__)

_ROUND = timedelta(minutes=10)
_AT_ONCE = 1000


class Retention:
    """Keeps what is younger than *kept*; any number of runners may do it at once."""

    def __init__(
        self, *, database: Database, kept: timedelta, now: Clock = utc_now
    ) -> None:
        self._database = database
        self._kept = kept
        self._now = now

    async def run(self) -> None:
        await every(_ROUND, self.sweep, name="retention")

    async def sweep(self) -> None:
        """Remove all that is too old, in short transactions."""
        until = self._now() - self._kept
        messages = await _all(
            lambda: forget_messages(self._database, until=until, limit=_AT_ONCE)
        )
        threads = await _all(
            lambda: forget_threads(self._database, until=until, limit=_AT_ONCE)
        )
        if messages or threads:
            log.info("conversations.forgotten", messages=messages, threads=threads)


async def _all(some: Callable[[], Awaitable[int]]) -> int:
    """Do *some* until it is less than was allowed; returns the sum."""
    total = 0
    while True:
        done = await some()
        total += done
        if done < _AT_ONCE:
            return total
