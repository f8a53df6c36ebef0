"""One child process: started in a session of its own, watched, stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.timeouts import timeout

from . import leash
from .accounts import Account
from .complaints import complaint_in
from .errors import ServerFailedError

__all__ = ["Child", "Command", "running", "start"]

_POLL_SECONDS = 0.02
_LAST_LINES = 12
_LAST_BYTES = 16_384
_LINE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Command:
    """What is run: program and arguments, the whole environment, where it logs.

    *stop_signal* asks it to end; when the launcher dies it gets *orphan_signal*, or
    else the same.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals | None = None


class Child:
    """A process that runs, or has ended; *log_start* is where its own log begins."""

    def __init__(self, command: Command, process: Process, *, log_start: int) -> None:
        self.command = command
        self._process = process
        self._log_start = log_start

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ended(self) -> int:
        """Wait for the end; the exit code, negative if a signal ended it."""
        return await self._process.wait()

    async def ready(self, is_ready: Callable[[int], bool], *, seconds: float) -> None:
        """Wait until *is_ready* says so of the pid; raise `ServerFailedError`."""
        name = self.command.name
        try:
            async with timeout(seconds):
                while not is_ready(self.pid):
                    if self._process.returncode is not None:
                        raise ServerFailedError(
                            f"{name} ended while it was starting.{self.last_words()}"
                        )
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise ServerFailedError(
                f"{name} was not ready after {seconds:.0f} s.{self.last_words()}"
            ) from None

    def last_words(self) -> str:
        """Return why it failed, to be put behind a sentence about it.

        That is what its log complains of and where the log is, or else the log's end.
        """
        lines = self._last_lines()
        complaints = dict.fromkeys(filter(None, map(complaint_in, lines)))
        told = [*complaints, f"See {self.command.log}"] if complaints else lines
        return "".join(
            f"\n    {line[:_LINE_CHARACTERS]}" for line in told[-_LAST_LINES:]
        )

    def _last_lines(self) -> list[str]:
        try:
            with self.command.log.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, end - _LAST_BYTES))
                return file.read().decode(errors="replace").splitlines()
        except OSError:
            return []

    async def stop(self, *, seconds: float) -> None:
        """Ask it to end; after *seconds* end it and all of its session's group."""
        with suppress(ProcessLookupError):
            self._process.send_signal(self.command.stop_signal)
        try:
            async with timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()


async def start(command: Command) -> Child:
    """Start *command*; its output is appended to its log, its input is empty."""
    account = command.account
    leashed = (
        *(sys.executable, "-I", "-S", leash.__file__),
        *(str(os.getpid()), str(int(command.orphan_signal or command.stop_signal))),
        *(map(str, (account.uid, account.gid)) if account else ("-1", "-1")),
        *command.arguments,
    )
    log = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    log_start = os.fstat(log).st_size
    try:
        process = await asyncio.create_subprocess_exec(
            *leashed,
            env=dict(command.environment),
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise ServerFailedError(
            f"{command.name} cannot be started: {error.strerror}"
        ) from error
    finally:
        os.close(log)
    return Child(command, process, log_start=log_start)


@asynccontextmanager
async def running(
    command: Command,
    *,
    is_ready: Callable[[int], bool],
    start_seconds: float = 30,
    stop_seconds: float = 10,
) -> AsyncIterator[Child]:
    """Run *command* during the block, which begins once it is ready."""
    child = await start(command)
    try:
        await child.ready(is_ready, seconds=start_seconds)
        yield child
    finally:
        await child.stop(seconds=stop_seconds)
