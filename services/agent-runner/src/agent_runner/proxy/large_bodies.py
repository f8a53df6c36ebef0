"""Reading large bodies in a process of their own.

To read 20 MB strictly takes a tenth of a second and more, in which this process would
do nothing else: every stream of every agent would stand still. A thread would not help,
for one string is read in one step, under the interpreter's lock.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TypeVar

from shared.errors import UnavailableError

from .wire_format import ModelRequest, Route

__all__ = ["LARGE_BODY_BYTES", "LargeBodies", "reading_large_bodies"]

LARGE_BODY_BYTES = 1024 * 1024
_MOST_WAITING = 8
_RETRY_AFTER_SECONDS = 1.0

Made = TypeVar("Made")
Read = Callable[[Route, bytes], ModelRequest]


class LargeBodies:
    """The process is started with the first body that needs it."""

    def __init__(self) -> None:
        self._process: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def read(self, read: Read, route: Route, body: bytes) -> ModelRequest:
        """Read *body*; raises what *read* does, and `UnavailableError`."""
        found = await self.run(_read, read, route, body)
        return found if found.body else found._replace(body=body)

    async def run(self, work: Callable[..., Made], *given: object) -> Made:
        """Do *work* there; raises what it does, and `UnavailableError`."""
        if self._waiting >= _MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._opened(), work, *given
            )
        except BrokenProcessPool:
            self.close()
            raise _busy() from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)
        self._process = None

    def _opened(self) -> ProcessPoolExecutor:
        if self._process is None:
            # A fork would take every connection and key of this process with it.
            self._process = ProcessPoolExecutor(
                1, mp_context=get_context("spawn"), initializer=_end_with_parent
            )
        return self._process


@contextmanager
def reading_large_bodies() -> Iterator[LargeBodies]:
    bodies = LargeBodies()
    try:
        yield bodies
    finally:
        bodies.close()


def _end_with_parent() -> None:
    """See to it that a runner which is killed leaves no process behind."""

    def wait() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _read(read: Read, route: Route, body: bytes) -> ModelRequest:
    """Read in the other process; a body that goes out unchanged is not sent back."""
    found = read(route, body)
    return found._replace(body=b"") if found.body == body else found


def _busy() -> UnavailableError:
    return UnavailableError(
        "This runner reads as many large bodies as it may.",
        retry_after_seconds=_RETRY_AFTER_SECONDS,
    )
