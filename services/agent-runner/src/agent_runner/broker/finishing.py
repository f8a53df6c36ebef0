"""Finishing what was begun, however often one is told to stop meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["done", "finished"]


async def finished(work: Coroutine[Any, Any, None]) -> None:
    """Do *work* to its end; a cancellation that came meanwhile is raised after it."""
    task = asyncio.ensure_future(work)
    await done(task)
    task.result()


async def done(*tasks: "asyncio.Future[Any]") -> None:
    """Wait for *tasks*, the same way; what becomes of them is not looked at."""
    cancelled = None
    while pending := [each for each in tasks if not each.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
