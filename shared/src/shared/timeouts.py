"""Bounds in time that hold in cleanup, too.

Up to Python 3.11.2, which Debian 12 has, `asyncio.timeout` raises `CancelledError` in a
task that was cancelled before the block began (CPython's issue 102780): whoever cleans
up after a cancellation and waits no longer than that would be cancelled again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

__all__ = ["timeout", "timeout_at"]


def timeout(seconds: float | None) -> AbstractAsyncContextManager[asyncio.Timeout]:
    """Bound the block, unless by None; raises `TimeoutError` where it takes longer."""
    return _bounding(asyncio.timeout(seconds))


def timeout_at(when: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
    """Bound the block by *when* of the loop's clock; raises `TimeoutError`."""
    return _bounding(asyncio.timeout_at(when))


@asynccontextmanager
async def _bounding(bound: asyncio.Timeout) -> AsyncIterator[asyncio.Timeout]:
    before = _cancellations()
    try:
        async with bound:
            yield bound
    except asyncio.CancelledError:
        if bound.expired() and _cancellations() <= before:
            raise TimeoutError from None
        raise


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
