"""Listens to one agent: when it is ready, and what it said last, or says now."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import timedelta

from shared.ids import new_id
from shared.timeouts import timeout

from .errors import LaunchFailedError
from .last_words import Excerpt, LastWords
from .launch_frame import READY

__all__ = ["READY_WITHIN", "AgentOutput"]

READY_WITHIN = timedelta(seconds=10)
_END_WITHIN = timedelta(seconds=2)

# An agent that prints faster is slowed down, by its own full pipe: reading it as fast
# as it prints would take the event loop away from every other agent.
_BYTES_PER_SECOND = 4 * 1024 * 1024
_BYTES_BETWEEN_PAUSES = 64 * 1024
_BYTES_A_PIECE_COSTS = 64


class AgentOutput:
    """*id* tells it from that of another incarnation."""

    def __init__(
        self, secrets: Iterable[str], *, ready_within: timedelta = READY_WITHIN
    ) -> None:
        self.id = new_id()
        self._words = LastWords(secrets)
        self._news = asyncio.Event()
        self._ready_within_seconds = ready_within.total_seconds()
        self._readiness = asyncio.get_running_loop().create_future()
        self._end = asyncio.Event()
        self._unsearched = b""

    async def listen(self, pieces: AsyncIterator[tuple[int, bytes]]) -> None:
        """Take *pieces* of (stream, data) until they end; more may follow later."""
        self._end.clear()
        debt = 0
        try:
            async for stream, data in pieces:
                self.hear(data, stream)
                debt += len(data) + _BYTES_A_PIECE_COSTS
                if debt >= _BYTES_BETWEEN_PAUSES:
                    await asyncio.sleep(debt / _BYTES_PER_SECOND)
                    debt = 0
        finally:
            self.end()

    def hear(self, data: bytes, stream: int = 1) -> None:
        self._look_for_readiness(data)
        self._words.hear(data, stream)
        self._tell_readers()

    def note(self, line: str) -> None:
        """Add a line of our own to what the agent said."""
        self._words.note(line)
        self._tell_readers()

    def end(self) -> None:
        self._settle(is_ready=False)
        self._end.set()
        self._tell_readers()

    async def is_ready(self) -> bool:
        """Wait for the init to become the agent's command; False if it never did.

        Raises LaunchFailedError if it takes longer than *ready_within*.
        """
        try:
            async with timeout(self._ready_within_seconds):
                return await asyncio.shield(self._readiness)
        except TimeoutError as error:
            raise LaunchFailedError(
                "The agent's init was not ready within "
                f"{self._ready_within_seconds:g} seconds."
            ) from error

    def text(self) -> str:
        """Return what was said last, so far."""
        return self._words.text()

    @property
    def is_over(self) -> bool:
        return self._end.is_set()

    async def since(self, offset: int, *, patience: timedelta) -> Excerpt:
        """Return the lines behind *offset*; wait a while for one if there is none."""
        with suppress(TimeoutError):
            async with timeout(patience.total_seconds()):
                while not (excerpt := self._excerpt(offset)).lines:
                    if self.is_over:
                        break
                    await self._news.wait()
        return excerpt

    async def final_text(self) -> str:
        """Return it when all is heard, or when there is too much to wait for."""
        with suppress(TimeoutError):
            async with timeout(_END_WITHIN.total_seconds()):
                await self._end.wait()
        return self.text()

    def _excerpt(self, offset: int) -> Excerpt:
        return self._words.since(offset, is_over=self.is_over)

    def _tell_readers(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _look_for_readiness(self, data: bytes) -> None:
        if self._readiness.done():
            return
        searched = self._unsearched + data
        self._unsearched = searched[-len(READY) :]
        if READY in searched:
            self._settle(is_ready=True)

    def _settle(self, *, is_ready: bool) -> None:
        if not self._readiness.done():
            self._readiness.set_result(is_ready)
