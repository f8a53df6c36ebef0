"""An event loop whose time passes only when nothing is left to do."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualTime", "run_virtually"]

T = TypeVar("T")


class VirtualTime:
    """Seconds that pass while everything waits; `skew` is a runner's own clock."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everything waits for nothing")
        self._time.seconds += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__(_Selector(time))
        self._virtual = time

    def time(self) -> float:
        return self._virtual.seconds


def run_virtually(main: Coroutine[Any, Any, T], time: VirtualTime) -> T:
    loop = _Loop(time)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
