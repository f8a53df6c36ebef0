"""A process that a test ends in any way and starts again."""

import asyncio
import os
import signal
from collections.abc import Callable

from ag2trust.child import Child, Command, start

__all__ = ["Mortal"]

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


class Mortal:
    """One process: it can be started again and again, and ended in any way."""

    def __init__(
        self, command: Callable[[], Command], is_ready: Callable[[int], bool]
    ) -> None:
        self._command = command
        self._is_ready = is_ready
        self._child: Child | None = None

    async def start(self) -> None:
        self._child = await start(self._command())
        await self._child.ready(self._is_ready, seconds=_START_SECONDS)

    async def die(self, signum: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and return how it ended; negative if the signal did it."""
        assert self._child
        os.kill(self._child.pid, signum)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended, by itself or not."""
        assert self._child
        async with asyncio.timeout(_STOP_SECONDS):
            return await self._child.ended()

    async def stop(self) -> None:
        if self._child:
            await self._child.stop(seconds=_STOP_SECONDS)
