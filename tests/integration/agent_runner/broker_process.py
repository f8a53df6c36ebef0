"""A launch broker as a process of its own, for a test to kill."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .docker_lab import RANGE, SOCKET, DockerLab

__all__ = ["BrokerProcess", "broker_process"]


class BrokerProcess:
    """*log* is everything it ever said."""

    def __init__(self, lab: DockerLab, folder: Path) -> None:
        self.socket = folder / "broker.sock"
        self.log = folder / "broker.log"
        self._environment = {
            "AG2TRUST_BROKER_INSTALLATION": lab.installation,
            "AG2TRUST_BROKER_SOCKET": str(self.socket),
            "AG2TRUST_BROKER_DOCKER_SOCKET": str(SOCKET),
            "AG2TRUST_BROKER_IMAGES": lab.installation,
            "AG2TRUST_BROKER_AGENT_NETWORKS": str(RANGE),
            "AG2TRUST_BROKER_LOG_LEVEL": "debug",
        }
        self._process: Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "agent_runner.broker"),
                env={"PATH": os.defpath, **self._environment},
                stdout=log,
                stderr=log,
            )

    async def end(self, signum: signal.Signals) -> None:
        self.send(signum)
        await self.ended()

    def send(self, signum: signal.Signals) -> None:
        assert self._process
        if self._process.returncode is None:
            self._process.send_signal(signum)

    async def ended(self) -> None:
        assert self._process
        await self._process.wait()


@asynccontextmanager
async def broker_process(lab: DockerLab, folder: Path) -> AsyncIterator[BrokerProcess]:
    broker = BrokerProcess(lab, folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.end(signal.SIGTERM)
