"""The service as a process of its own, as an installation starts it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from ag2trust.testing import Stack
from shared.contracts.base import Service

__all__ = ["ServiceProcess", "running_process"]

_STARTED_WITHIN_SECONDS = 60
_STOPPED_WITHIN_SECONDS = 60


@dataclass
class ServiceProcess:
    """*log* is complete, and *exit_code* there, once the process has ended."""

    process: Process
    log: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        return self.process.returncode

    @property
    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.splitlines()]

    async def ended(self) -> None:
        """Read the log until the process has ended, by itself or as it was told."""
        async with asyncio.timeout(_STOPPED_WITHIN_SECONDS):
            self.log += (await self.process.communicate())[1].decode()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the process stand still while the block runs."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@asynccontextmanager
async def running_process(
    stack: Stack, **settings: str
) -> AsyncIterator[ServiceProcess]:
    """Run the service until the block ends, from when it has started or failed to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "credentials",
        env=stack.environment(Service.CREDENTIALS, **settings),
        stderr=PIPE,
    )
    service = ServiceProcess(process)
    try:
        async with asyncio.timeout(_STARTED_WITHIN_SECONDS):
            service.log = await _first_lines(process)
        yield service
        if process.returncode is None:
            if "service.started" in service.events:
                process.terminate()
            await service.ended()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _first_lines(process: Process) -> str:
    """Read the log until the service says that it has started, or its end."""
    assert process.stderr is not None
    lines = ""
    async for line in process.stderr:
        lines += line.decode()
        if json.loads(line)["event"] == "service.started":
            break
    return lines
