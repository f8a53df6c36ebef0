"""Docker engines of their own, one on each machine of a test network, as one swarm.

Each has folders, a socket and processes that nobody else has; the engine of the host
gives the image and is asked nothing else.
"""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.machines import Machines, machines

__all__ = ["CommandFailedError", "Engine", "Swarm", "running_swarm", "told"]

_NAMES = ("1", "2", "3")
_READY_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05


class CommandFailedError(Exception):
    """A command ended with an error, or whoever it speaks to is gone."""


@dataclass
class Engine:
    """*namespace* is the network's of its machine, *address* its own there."""

    folder: Path
    namespace: str
    address: str
    process: Process | None = None

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *("nsenter", f"--net=/run/netns/{self.namespace}", "dockerd"),
                *("--data-root", str(self.folder / "data")),
                *("--exec-root", str(self.folder / "exec")),
                *("--pidfile", str(self.folder / "pid")),
                *("--host", f"unix://{self.socket}", "--bridge", "none"),
                *("--iptables=false", "--ip-forward=false"),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(_READY_SECONDS):
            await self._ready()

    async def docker(self, *arguments: str) -> str:
        return await told("docker", "--host", f"unix://{self.socket}", *arguments)

    async def die(self) -> None:
        """Kill all that runs on its machine, as when the power goes."""
        pids = await told("ip", "netns", "pids", self.namespace)
        for pid in pids.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if self.process:
            await self.process.wait()
        (self.folder / "pid").unlink(missing_ok=True)
        await _unmount_below(self.folder)

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    async def _ready(self) -> None:
        while self.process and self.process.returncode is None:
            with suppress(CommandFailedError):
                await self.docker("info")
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise CommandFailedError(f"dockerd ended; {self.folder / 'log'} says why")


@dataclass
class Swarm:
    """All its engines are managers, so that any one may be lost."""

    engines: Mapping[str, Engine]
    net: Machines
    lost: set[str] = field(default_factory=set)

    async def ask(self, *arguments: str) -> str:
        """Have whichever manager is there do it."""
        failures = []
        for name in self.engines.keys() - self.lost:
            try:
                return await self.engines[name].docker(*arguments)
            except CommandFailedError as error:
                failures.append(str(error))
        raise CommandFailedError(failures)


@asynccontextmanager
async def running_swarm(folder: Path, image: str) -> AsyncIterator[Swarm]:
    """Run three engines that have *image*; end and remove them after the block."""
    async with AsyncExitStack() as started:
        net = await started.enter_async_context(machines(_NAMES))
        engines = {
            name: Engine(folder / name, host.enter[-1], host.address)
            for name, host in net.hosts.items()
        }
        packed = folder / "image.tar"
        await told("docker", "save", "--output", str(packed), image)
        for each in engines.values():
            started.push_async_callback(_remove, each)
            await each.start()
            await each.docker("load", "--input", str(packed))
        packed.unlink()
        first, *others = engines.values()
        await first.docker("swarm", "init", "--advertise-addr", first.address)
        token = await first.docker("swarm", "join-token", "--quiet", "manager")
        for each in others:
            await each.docker(
                *("swarm", "join", "--token", token.strip()),
                *("--advertise-addr", each.address, f"{first.address}:2377"),
            )
        yield Swarm(engines, net)


async def told(*command: str) -> str:
    """Return what a command says; raise `CommandFailedError` with its complaint."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise CommandFailedError(f"{' '.join(command)}: {errors.decode()[-500:]}")
    return output.decode()


async def _remove(engine: Engine) -> None:
    await engine.die()
    shutil.rmtree(engine.folder, ignore_errors=True)


async def _unmount_below(folder: Path) -> None:
    """Take away the mounts of containers, which a killed engine leaves."""
    for mount in reversed(_mounts_below(folder)):
        with suppress(CommandFailedError):
            await told("umount", "--lazy", mount)


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/mounts").read_text().splitlines()
    mounts = [line.split()[1] for line in lines]
    return sorted(each for each in mounts if each.startswith(f"{folder}/"))
