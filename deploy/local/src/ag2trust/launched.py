"""A launcher run by a test as a person runs it: a process, variables, a screen."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from shared.timeouts import timeout

from .authorities import authorities_of
from .installation import HOST
from .ports import free_port

__all__ = ["READY", "Launched", "Place", "launched", "launching"]

READY = "Ag2Trust is ready."

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A home and its ports; the same place twice is the same installation."""

    home: Path
    gateway_port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    external_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.gateway_port}"

    @property
    def api_key(self) -> str:
        return (self.home / "api-key").read_text().strip()

    def pid_of(self, name: str) -> int:
        """Return the process of a child that runs now, such as `gateway` or `nats`."""
        notes = json.loads((self.home / "children.json").read_text())
        pids: dict[str, int] = {note["name"]: note["pid"] for note in notes}
        return pids[name]

    def logged(self, *names: str) -> str:
        """Return what children have written to their logs."""
        logs = [self.home / "logs" / f"{name}.log" for name in names]
        return "\n".join(log.read_text(errors="replace") for log in logs)

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "AG2TRUST_HOME": str(self.home),
            "AG2TRUST_GATEWAY_PORT": str(self.gateway_port),
            "AG2TRUST_PROXY_PORT": str(self.proxy_port),
            "AG2TRUST_EXTERNAL_PORT": str(self.external_port),
            "AG2TRUST_METRICS_PORT": str(self.metrics_port),
            "AG2TRUST_RUNTIME": "process",
            **authorities_of(os.environ),
            **variables,
        }


class Launched:
    """A launcher's process, and what its screen said so far."""

    def __init__(self, place: Place, process: Process) -> None:
        self.place = place
        self.screen = ""
        self._process = process
        self._output = cast("asyncio.StreamReader", process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def says(self, text: str, *, seconds: float = _START_SECONDS) -> None:
        """Read the screen until *text* is on it, maybe already."""
        async with timeout(seconds):
            while text not in self.screen:
                line = await self._output.readline()
                if not line:
                    raise AssertionError(f"never said {text!r}:\n{self.screen}")
                self.screen += line.decode()

    def send(self, signum: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signum)

    async def ended(self, *, seconds: float = _STOP_SECONDS) -> int:
        """Read the screen to its end; return the exit code."""
        async with timeout(seconds):
            self.screen += (await self._output.read()).decode()
            return await self._process.wait()


@asynccontextmanager
async def launching(
    place: Place, command: str = "run", **variables: str
) -> AsyncIterator[Launched]:
    """Start a launcher, ready or not; it is stopped at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ag2trust", command),
        env=place.environment(**variables),
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    running = Launched(place, process)
    try:
        yield running
    finally:
        running.send(signal.SIGTERM)
        await running.ended()


@asynccontextmanager
async def launched(place: Place, **variables: str) -> AsyncIterator[Launched]:
    """Run a launcher that is ready."""
    async with launching(place, **variables) as running:
        await running.says(READY)
        yield running
