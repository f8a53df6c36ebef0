"""Three NATS servers that are one: whoever logs in to any of them reaches everybody."""

import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ag2trust.child import Command
from ag2trust.nats_server import binary, configuration
from ag2trust.ports import free_port
from shared.contracts.base import Service

from ..mortal import Mortal  # noqa: TID252 - test folders are no packages
from .hosts import Host

__all__ = ["NatsOfThree", "nats_of_three"]

_HELLO_SECONDS = 1.0
_ROUTES_LOGIN = "routes:only-for-tests"


@dataclass(frozen=True, slots=True)
class NatsOfThree:
    servers: Mapping[str, Mortal]
    url: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one of the three is; *routes* is the port of the other two."""

    name: str
    host: Host
    port: int
    routes: int

    @property
    def url(self) -> str:
        return f"nats://{self.host.address}:{self.port}"

    @property
    def route(self) -> str:
        return f"nats-route://{_ROUTES_LOGIN}@{self.host.address}:{self.routes}"

    def greets(self, _pid: int) -> bool:
        """Say whether somebody greets on the port as a NATS server does."""
        try:
            with socket.create_connection(
                (self.host.address, self.port), _HELLO_SECONDS
            ) as link:
                return link.recv(5) == b"INFO "
        except OSError:
            return False


@asynccontextmanager
async def nats_of_three(
    folder: Path, hosts: Mapping[str, Host], logins: Mapping[str, Service]
) -> AsyncIterator[NatsOfThree]:
    """Run a server on each of *hosts*, which are three, by the names they get."""
    places = [
        _Place(name, host, free_port(), free_port()) for name, host in hosts.items()
    ]
    routes = [each.route for each in places]
    servers = {
        each.name: _server(folder / each.name, each, routes, logins) for each in places
    }
    async with AsyncExitStack() as started:
        for each in servers.values():
            started.push_async_callback(each.stop)
            await each.start()
        yield NatsOfThree(servers, ",".join(each.url for each in places))


def _server(
    folder: Path, place: _Place, routes: list[str], logins: Mapping[str, Service]
) -> Mortal:
    told = _told(folder, place, routes, logins)
    folder.mkdir(mode=0o700)
    file = folder / "server.conf"
    file.write_text(json.dumps(told))
    command = Command(
        name=place.name,
        arguments=(str(binary()), "--config", str(file)),
        environment={"PATH": os.defpath},
        log=folder / "log",
    )
    return Mortal(lambda: place.host.moved(command), place.greets)


def _told(
    folder: Path, place: _Place, routes: list[str], logins: Mapping[str, Service]
) -> dict[str, Any]:
    user, _, password = _ROUTES_LOGIN.partition(":")
    alone = configuration(port=place.port, store=folder / "jetstream", logins=logins)
    return alone | {
        "server_name": place.name,
        "listen": f"{place.host.address}:{place.port}",
        "cluster": {
            "name": "ag2trust",
            "listen": f"{place.host.address}:{place.routes}",
            "authorization": {"user": user, "password": password},
            "routes": routes,
        },
    }
