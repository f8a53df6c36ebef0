"""A Docker engine of a test's own, for it to kill; the machine's is left alone.

It needs root, dockerd and containerd, as CI has them.
"""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp

from aiodocker import Docker, DockerError

from ag2trust.waiting import until

__all__ = ["OwnEngine", "own_engine"]

_WITHIN_SECONDS = 60
_DISK = "256m"
_BALLAST = bytes(64 * 1024)
_CONTAINERD = """\
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
"""


class OwnEngine:
    """Below *folder*; it makes no rules in the host's firewall.

    As under an init system, containerd is not Docker's child, and outlives it.
    """

    def __init__(self, folder: Path, bridge: str) -> None:
        self.socket = folder / "docker.sock"
        self._folder = folder
        self._bridge = bridge
        self._containerd: Process | None = None
        self._docker: Process | None = None

    async def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        if self._containerd is None:
            self._containerd = await self._start_containerd()
        self._docker = await self._start_docker()
        await until("an answer of Docker", self._answers)

    async def kill(self) -> None:
        """Kill -9 Docker: what it ran goes on without it."""
        assert self._docker
        self._docker.kill()
        await self._docker.wait()

    def fill_disk(self) -> None:
        """Leave no room to it."""
        ballast = self._folder / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(_BALLAST)

    def free_disk(self) -> None:
        (self._folder / "ballast").unlink()

    async def close(self) -> None:
        """End what it runs, and itself."""
        for process in (self._docker, self._containerd):
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(_WITHIN_SECONDS):
                    await process.wait()

    async def _start_containerd(self) -> Process:
        configuration = self._folder / "containerd.toml"
        configuration.write_text(_CONTAINERD)
        return await self._spawn(
            "containerd",
            f"--config={configuration}",
            f"--address={self._folder / 'containerd.sock'}",
            f"--root={self._folder / 'containerd'}",
            f"--state={self._folder / 'containerd-state'}",
        )

    async def _start_docker(self) -> Process:
        (self._folder / "pid").unlink(missing_ok=True)
        return await self._spawn(
            "dockerd",
            f"--host=unix://{self.socket}",
            f"--containerd={self._folder / 'containerd.sock'}",
            f"--data-root={self._folder / 'data'}",
            f"--exec-root={self._folder / 'exec'}",
            f"--pidfile={self._folder / 'pid'}",
            # Not `none`: that would remove docker0, which is the machine's engine's.
            f"--bridge={self._bridge}",
            "--iptables=false",
            "--ip-forward=false",
            "--log-level=warn",
        )

    async def _spawn(self, *command: str) -> Process:
        with (self._folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        async with Docker(f"unix://{self.socket}") as docker:
            try:
                await docker.version()
            except DockerError:
                return False
        return True


@asynccontextmanager
async def own_engine() -> AsyncIterator[OwnEngine]:
    # Unix sockets have short paths: not below pytest's folder.
    folder = Path(mkdtemp(prefix="ag2trust-engine-"))
    async with _disk(folder), _bridge() as bridge:
        engine = OwnEngine(folder, bridge)
        try:
            await engine.start()
            yield engine
        finally:
            await engine.close()


@asynccontextmanager
async def _disk(folder: Path) -> AsyncIterator[None]:
    """Mount a small disk at *folder*, to be filled; it goes with the folder."""
    await _run("mount", "-t", "tmpfs", "-o", f"size={_DISK}", "ag2trust", str(folder))
    try:
        yield
    finally:
        await _run("umount", "--lazy", str(folder))
        await asyncio.to_thread(folder.rmdir)


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


@asynccontextmanager
async def _bridge() -> AsyncIterator[str]:
    """Have the machine's engine make a bridge, and yield the interface's name."""
    name = f"ag2t-{token_hex(4)}"
    body = {"Name": name, "Options": {"com.docker.network.bridge.name": name}}
    async with Docker() as docker:
        network = await docker.networks.create(body)
        try:
            yield name
        finally:
            await network.delete()
