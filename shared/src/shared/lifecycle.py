"""How a process starts, stays up and stops."""

import asyncio
import faulthandler
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from .errors import AppError
from .identity import IdentityFileError
from .logs import set_up_logs
from .settings import ProcessSettings, SettingsError, load
from .timeouts import timeout

__all__ = ["background", "every", "main", "run_until_signalled"]

log = structlog.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=ProcessSettings)
NewEventLoop = Callable[[], asyncio.AbstractEventLoop]

_CANNOT_START = 78  # EX_CONFIG of sysexits.h
_FAILED = 1
_BEAT = timedelta(seconds=5)
_CLOSES_WITHIN = timedelta(seconds=15)


def main(
    service: str,
    settings: type[SettingsT],
    serving: Callable[[SettingsT], AbstractAsyncContextManager[object]],
    *,
    new_event_loop: NewEventLoop = asyncio.new_event_loop,
    closes_within: timedelta = _CLOSES_WITHIN,
) -> None:
    """Run a service until a signal; say in one sentence why it cannot start.

    A stop ends even if something it waits for does not: after *closes_within* the
    process shows where it stands, and exits with 1.
    """
    gc.freeze()  # what imports have made stays; `shared.quick_start` spared it
    gc.enable()
    try:
        loaded = load(settings)
    except SettingsError as error:
        sys.exit(_told(_CANNOT_START, f"{service} cannot start:\n{error}"))
    set_up_logs(service, level=loaded.log_level)
    running = run_until_signalled(
        serving(loaded),
        loaded.alive_file,
        closing=partial(_exit_after, closes_within.total_seconds()),
    )
    sys.exit(_run(running, new_event_loop))


async def run_until_signalled(
    app: AbstractAsyncContextManager[object],
    alive_file: Path | None = None,
    *,
    closing: Callable[[], None] = lambda: None,
) -> None:
    """Hold *app* open until SIGTERM or SIGINT asks it to close.

    A signal that comes while it still opens ends that; further ones change nothing.
    *alive_file* is made once it is open, and touched while the event loop turns;
    *closing* is called before it closes, for whatever reason.
    """
    is_open, stop = asyncio.Event(), asyncio.Event()
    with _told_to_stop(stop, unless=is_open):
        async with app:
            is_open.set()
            _spare_what_stays()
            log.info("service.started")
            try:
                async with _showing_life(alive_file):
                    await stop.wait()
            finally:
                closing()
            log.info("service.stopping")
    log.info("service.stopped")


@asynccontextmanager
async def background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *jobs* beside the block; a job that fails takes the block down with it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        yield
        for task in tasks:
            task.cancel()


async def every(
    interval: timedelta,
    job: Callable[[], Awaitable[None]],
    *,
    name: str,
    woken: asyncio.Event | None = None,
) -> None:
    """Do *job* now and again each *interval*, or as soon as *woken* is set.

    A round that fails is logged and the next one tries again: this is the edge of a
    loop that must survive.
    """
    while True:
        if woken:
            woken.clear()
        try:
            await job()
        except AppError as error:
            log.warning("round.failed", job=name, reason=error.message)
        except Exception:
            log.exception("round.crashed", job=name)
        await _pause(interval, woken)


def _spare_what_stays() -> None:
    """Keep the garbage collector from looking through what a start has made.

    It would, again and again, while a service under load makes and drops many objects.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def _told_to_stop(stop: asyncio.Event, *, unless: asyncio.Event) -> Iterator[None]:
    """Set *stop* at a signal, and leave the block at once *unless* that is set."""
    task = asyncio.current_task()
    assert task  # noqa: S101 - for the type checker: a coroutine runs in a task

    def heard() -> None:
        if not (unless.is_set() or stop.is_set()):
            task.cancel()
        stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, heard)
    try:
        yield
    except asyncio.CancelledError:
        if unless.is_set() or not stop.is_set():
            raise
        task.uncancel()


@asynccontextmanager
async def _showing_life(alive_file: Path | None) -> AsyncIterator[None]:
    if alive_file is None:
        yield
        return
    touch = partial(asyncio.to_thread, alive_file.touch)
    async with background(every(_BEAT, touch, name="alive_file")):
        yield


async def _pause(interval: timedelta, woken: asyncio.Event | None) -> None:
    if woken is None:
        await asyncio.sleep(interval.total_seconds())
        return
    try:
        async with timeout(interval.total_seconds()):
            await woken.wait()
    except TimeoutError:
        return


def _run(service: Coroutine[Any, Any, None], new_event_loop: NewEventLoop) -> int:
    code = 0
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(service)
    except* (AppError, IdentityFileError, SettingsError, OSError) as failures:
        code = _FAILED
        log.critical("service.failed", reasons=[*map(_sentence, _leaves(failures))])
    except* Exception:
        code = _FAILED
        log.exception("service.crashed")
    return code


def _exit_after(seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            leaves += _leaves(error)
        else:
            leaves.append(error)
    return leaves


def _sentence(error: BaseException) -> str:
    """Our own words, or the system's about a file or an address; never a repr."""
    if isinstance(error, OSError):
        return (
            f"{error.strerror or type(error).__name__} ({error.filename or 'network'})"
        )
    return str(error)


def _told(code: int, sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return code
