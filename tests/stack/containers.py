"""What Docker's engine shows of one installation."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiodocker import Docker

__all__ = ["Engine", "engine"]

_SOCKET = "unix:///var/run/docker.sock"


class Engine:
    """The containers and networks that carry an installation's label."""

    def __init__(self, docker: Docker, installation: str) -> None:
        self._docker = docker
        self._filters = {"label": [f"ag2trust.installation={installation}"]}

    async def containers(self) -> list[dict[str, Any]]:
        """Return what `docker inspect` says of each, stopped ones included."""
        found = await self._docker.containers.list(
            all=True, filters=json.dumps(self._filters)
        )
        return [await container.show() for container in found]

    async def networks(self) -> list[dict[str, Any]]:
        return await self._docker.networks.list(filters=self._filters)


@asynccontextmanager
async def engine(installation: str) -> AsyncIterator[Engine]:
    async with Docker(_SOCKET) as docker:
        yield Engine(docker, installation)
