"""Another program, run to its end."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from contextlib import suppress

from shared.timeouts import timeout

__all__ = ["ProgramError", "run_program"]

_LAST_LINES = 5
_STOP_SECONDS = 10


class ProgramError(Exception):
    """A program could not be run, or failed; the message ends with its last words."""


async def run_program(*command: str, seconds: float) -> None:
    """Run *command* for at most *seconds*; raises `ProgramError`.

    If it is no longer waited for, it is ended with all that it started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
    except OSError as error:
        raise ProgramError(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        async with timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise ProgramError(f"{command[0]} took longer than {seconds:.0f} s") from error
    finally:
        await _end(process)
    if process.returncode != 0:
        raise ProgramError(f"{command[0]} failed.{_last_words(output)}")


async def _end(process: Process) -> None:
    """Make sure that *process* has ended, asking it first."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_words(output: bytes) -> str:
    lines = output.decode(errors="replace").splitlines()[-_LAST_LINES:]
    return "".join(f"\n    {line}" for line in lines)
