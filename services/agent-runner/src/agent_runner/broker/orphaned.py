"""The end of a broker whose launcher has died: what it launched ends before it does.

The launcher's death reaches it as SIGHUP, and the runner at the same moment as the end
that it may take some seconds for. A runner that merely restarts finds its agents again:
nothing here happens for that.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from shared.errors import AppError
from shared.timeouts import timeout

from .broker import Broker

__all__ = ["OrphanedError", "end_when_orphaned"]

log = structlog.get_logger(__name__)

_RUNNER_ENDS_WITHIN = timedelta(seconds=7)


class OrphanedError(AppError):
    """There is nobody to launch agents for any more."""


async def end_when_orphaned(
    broker: Broker, hung_up: Callable[[], Awaitable[None]]
) -> None:
    """Wait for SIGHUP, leave the agents to the runner until it has *hung_up*.

    Then end those that are left; raises `OrphanedError`, or EngineUnavailableError.
    """
    with _told_of_sighup() as orphaned:
        await orphaned.wait()
        log.warning("launcher.lost")
        with suppress(TimeoutError):
            async with timeout(_RUNNER_ENDS_WITHIN.total_seconds()):
                await hung_up()
        await broker.end_all()
    raise OrphanedError("The launcher of this broker has died; no agent is left.")


@contextmanager
def _told_of_sighup() -> Iterator[asyncio.Event]:
    """Set an event at SIGHUP; another changes nothing.

    There may be several: Linux sends one for each thread that a dying launcher had.
    """
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, heard.set)
    try:
        yield heard
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
