"""Listens to one agent: when it is ready, and what it said last."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import timedelta

from .errors import LaunchFailedError
from .last_words import LastWords
from .launch_frame import READY

__all__ = ["AgentOutput"]

_READY_WITHIN = timedelta(seconds=10)
_END_WITHIN = timedelta(seconds=2)

# An agent that prints faster is slowed down, by its own full pipe: reading it as fast
# as it prints would take the event loop away from every other agent.
_BYTES_PER_SECOND = 4 * 1024 * 1024
_BYTES_BETWEEN_PAUSES = 64 * 1024
_BYTES_A_PIECE_COSTS = 64


class AgentOutput:
    def __init__(
        self, secrets: Iterable[str], *, ready_within: timedelta = _READY_WITHIN
    ) -> None:
        self._words = LastWords(secrets)
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
                self._look_for_readiness(data)
                self._words.hear(data, stream)
                debt += len(data) + _BYTES_A_PIECE_COSTS
                if debt >= _BYTES_BETWEEN_PAUSES:
                    await asyncio.sleep(debt / _BYTES_PER_SECOND)
                    debt = 0
        finally:
            self._settle(is_ready=False)
            self._end.set()

    async def is_ready(self) -> bool:
        """Wait for the init to become the agent's command; False if it never did.

        Raises LaunchFailedError if it takes longer than *ready_within*.
        """
        try:
            async with asyncio.timeout(self._ready_within_seconds):
                return await asyncio.shield(self._readiness)
        except TimeoutError as error:
            raise LaunchFailedError(
                "The agent's init was not ready within "
                f"{self._ready_within_seconds:g} seconds."
            ) from error

    def text(self) -> str:
        """Return what was said last, so far."""
        return self._words.text()

    async def final_text(self) -> str:
        """Return it when all is heard, or when there is too much to wait for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_WITHIN.total_seconds()):
                await self._end.wait()
        return self.text()

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
