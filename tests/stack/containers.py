"""What Docker's engine shows of one installation."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiodocker import Docker

__all__ = ["Engine", "engine", "inspected"]

_SOCKET = "unix:///var/run/docker.sock"


class Engine:
    """The containers and networks that carry an installation's label."""

    def __init__(self, docker: Docker, installation: str) -> None:
        self._docker = docker
        self._filters = {"label": [f"ag2trust.installation={installation}"]}

    async def containers(self) -> list[dict[str, Any]]:
        """Return what `docker inspect` says of each, stopped ones included."""
        return await _shown(self._docker, self._filters)

    async def networks(self) -> list[dict[str, Any]]:
        return await self._docker.networks.list(filters=self._filters)


@asynccontextmanager
async def engine(installation: str) -> AsyncIterator[Engine]:
    async with Docker(_SOCKET) as docker:
        yield Engine(docker, installation)


async def inspected(*labels: str) -> list[dict[str, Any]]:
    """Return what `docker inspect` says of each container with one of *labels*."""
    async with Docker(_SOCKET) as docker:
        return [
            each
            for label in labels
            for each in await _shown(docker, {"label": [label]})
        ]


async def _shown(docker: Docker, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what `docker inspect` says of each, stopped ones included."""
    found = await docker.containers.list(all=True, filters=json.dumps(filters))
    return [await container.show() for container in found]
