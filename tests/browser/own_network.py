"""A network of the browser's own, in which the networks of containers are not seen.

Chromium gives up what it loads whenever an address of its machine comes or goes, such
as one of Docker's. In a network namespace (network_namespaces(7)) it hears of none.
"""

import asyncio
import ctypes
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from subprocess import run
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.integration.metrics.cable import Cable

__all__ = ["OwnNetwork", "own_network"]

_LOOPBACK = "127.0.0.1"
_CLONE_NEWNET = 0x40000000  # <sched.h>


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A namespace called *name*, or none: then it is the network of the machine."""

    name: str | None
    folder: Path

    def inside(self, program: str) -> Path:
        """Write a program that runs *program* in it."""
        path = self.folder / Path(program).name
        there = f"nsenter --net=/run/netns/{self.name} " if self.name else ""
        path.write_text(f'#!/bin/sh\nexec {there}{program} "$@"\n')
        path.chmod(0o700)
        return path

    @asynccontextmanager
    async def showing(self, origin: str) -> AsyncIterator[None]:
        """Let *origin*, which is on loopback, be reached from there, too."""
        if self.name is None:
            yield
            return
        port = urlsplit(origin).port or 80
        cable = Cable(lambda: asyncio.open_connection(_LOOPBACK, port))
        async with cable.laid(listening=self._listening(port)):
            yield

    def _listening(self, port: int) -> socket.socket:
        """Make a socket in the namespace: where it was made is where it listens."""
        with ThreadPoolExecutor(1) as visitor:  # one that never comes back
            return visitor.submit(self._listen_there, port).result()

    def _listen_there(self, port: int) -> socket.socket:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{self.name}").open() as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns refused")
        return socket.create_server((_LOOPBACK, port))


@contextmanager
def own_network() -> Iterator[OwnNetwork]:
    """Make one where we may: it takes root, and iproute2."""
    with TemporaryDirectory() as folder:
        ip = shutil.which("ip")
        if ip is None or os.geteuid() != 0:
            yield OwnNetwork(None, Path(folder))
            return
        name = f"ag2trust-tests-{token_hex(4)}"
        _run(ip, "netns", "add", name)
        try:
            _run(ip, "-n", name, "link", "set", "lo", "up")
            yield OwnNetwork(name, Path(folder))
        finally:
            _run(ip, "netns", "del", name)


def _run(*command: str) -> None:
    run(command, check=True)  # noqa: S603 - a fixed program
