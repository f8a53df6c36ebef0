"""Keeps children running: what ends is named, and started again."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from time import monotonic

from shared.lifecycle import background

from .child import Child, Command, start
from .errors import ServerFailedError
from .leftovers import Children
from .screen import Screen

__all__ = ["Kept", "Supervisor"]

_START_SECONDS = 60.0
_LONG_LIFE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class Phase(Enum):
    """What the end of a child means: no start at all, a restart, or nothing."""

    STARTING = auto()
    UP = auto()
    STOPPING = auto()


@dataclass
class Kept:
    """A child that is replaced when it ends, once it has been up."""

    child: Child
    stop_seconds: float
    phase: Phase = field(default=Phase.STARTING)

    @property
    def name(self) -> str:
        return self.child.command.name

    async def ready(self, is_ready: Callable[[int], bool]) -> None:
        """Wait until *is_ready* says so of the pid; raise `ServerFailedError`."""
        await self.child.ready(is_ready, seconds=_START_SECONDS)
        self.is_up()

    def is_up(self) -> None:
        self.phase = Phase.UP

    def may_end(self) -> None:
        self.phase = Phase.STOPPING

    async def stop(self) -> None:
        """End it for good; again is harmless."""
        self.may_end()
        await self.child.stop(seconds=self.stop_seconds)


class Supervisor:
    """Starts children, and tells *screen* when it has to start one again."""

    def __init__(self, children: Children, screen: Screen) -> None:
        self._children = children
        self._screen = screen

    @asynccontextmanager
    async def keeping(
        self, command: Command, *, stop_seconds: float
    ) -> AsyncIterator[Kept]:
        """Keep *command* running during the block, which begins with its process."""
        kept = Kept(await self._start(command), stop_seconds)
        try:
            async with background(self._watch(kept)):
                yield kept
        finally:
            await kept.stop()
            self._children.forget(kept.child.pid)

    async def _watch(self, kept: Kept) -> None:
        """Replace whatever ends while it is up; give up on what never came up."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = monotonic()
            code = await kept.child.ended()
            if kept.phase is Phase.STOPPING:
                return
            if kept.phase is Phase.STARTING:
                raise ServerFailedError(
                    f"{kept.name} cannot start.{kept.child.last_words()}"
                )
            if monotonic() - began > _LONG_LIFE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._screen.say(
                f"{kept.name} ended ({_reason(code)}) and is started again; "
                f"its log is {kept.child.command.log}"
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            await self._replace(kept)

    async def _replace(self, kept: Kept) -> None:
        self._children.forget(kept.child.pid)
        kept.child = await self._start(kept.child.command)

    async def _start(self, command: Command) -> Child:
        child = await start(command)
        self._children.note(command.name, child.pid, command.stop_signal)
        return child


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name
