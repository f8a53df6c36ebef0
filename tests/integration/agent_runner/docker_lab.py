"""What tests of the Docker runtime are made of: guests, and Docker's own view."""

import json
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from aiodocker import Docker
from aiodocker.containers import DockerContainer

from agent_runner.broker.app import serving
from agent_runner.broker.body import Owner, container_body
from agent_runner.broker.engine import DockerEngine
from agent_runner.broker.images import AllowedImages
from agent_runner.broker.settings import Settings
from agent_runner.broker.wire import LaunchAgent, Limits
from agent_runner.runtimes.agent_output import READY_WITHIN
from agent_runner.runtimes.docker.runtime import docker_runtime
from agent_runner.runtimes.launch_frame import AGENT_INIT
from agent_runner.runtimes.runtime import Launch, Resources, Runtime
from shared.ids import new_id

from .door import Door, open_door
from .tiny_images import build_tiny_image

__all__ = ["EPOCH", "ORG", "RANGE", "SOCKET", "DockerLab", "Guest", "docker_lab"]

ORG = UUID(int=2)
EPOCH = 7
SOCKET = Path("/var/run/docker.sock")

_RESOURCES = Resources()
_COARSE_CLOCK_SECONDS = 2
_GONE = ": No such file or directory"
_PLACES = ("/var/lib/containerd", "/run", "/tmp", "/dev/shm")  # noqa: S108 - searched
RANGE = IPv4Network("10.209.0.0/16")
_RUNNER = "runner-1"


@dataclass(frozen=True, slots=True)
class Guest:
    """An agent about to be launched, and the door at which it will tell things."""

    launch: Launch
    door: Door

    @property
    def id(self) -> UUID:
        return self.launch.agent_id


class DockerLab:
    """An installation of its own on this machine's engine."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self.installation = f"test-{uuid4().hex}"
        self.images: list[str] = []
        self.since = time.time()

    @property
    def owner(self) -> Owner:
        return Owner(installation=self.installation, runner=_RUNNER)

    @asynccontextmanager
    async def broker(
        self,
        *,
        runner: str = _RUNNER,
        network_range: IPv4Network = RANGE,
        engine: Path = SOCKET,
        **settings: Any,
    ) -> AsyncIterator[Path]:
        """Run a launch broker in this process; yield where it listens."""
        images = AllowedImages.parse(f"{self.installation} no-such-image")
        with TemporaryDirectory(prefix="ag2trust-broker-") as folder:
            told = Settings(
                runner=runner,
                socket=Path(folder) / "broker.sock",
                docker_socket=engine,
                agent_networks=network_range,
                **{"installation": self.installation, "images": images, **settings},
            )
            async with serving(told):
                yield told.socket

    @asynccontextmanager
    async def runtime(
        self, *, ready_within: timedelta = READY_WITHIN, **settings: Any
    ) -> AsyncIterator[Runtime]:
        """Hold a runtime with a broker of its own, which *settings* are for."""
        async with (
            self.broker(**settings) as broker,
            docker_runtime(
                broker, within=timedelta(), ready_within=ready_within
            ) as runtime,
        ):
            yield runtime

    async def image(
        self, script: str = "true", *lines: str, has_shell: bool = True
    ) -> str:
        """Make an image that runs *script* in bash, with more *lines* of Dockerfile."""
        tag = f"{self.installation}:{len(self.images)}"
        await build_tiny_image(self.docker, tag, script, *lines, has_shell=has_shell)
        self.images.append(tag)
        return tag

    @asynccontextmanager
    async def guest(
        self,
        runtime: Runtime,
        image: str,
        *,
        agent_id: UUID | None = None,
        environment: dict[str, str] | None = None,
        secrets: Iterable[str] = (),
        resources: Resources = _RESOURCES,
        port: int = 0,
    ) -> AsyncIterator[Guest]:
        """Connect an agent of *image*, a new one by default, and open a door for it."""
        agent_id = agent_id or new_id()
        address = await runtime.connect(agent_id, ORG, EPOCH)
        async with open_door(address, port) as door:
            launch = Launch(
                agent_id=agent_id,
                org_id=ORG,
                epoch=EPOCH,
                image=image,
                environment={"AG2TRUST_AGENT_URL": door.url, **(environment or {})},
                secrets=frozenset(secrets),
                resources=resources,
            )
            yield Guest(launch, door)

    async def containers(self, agent_id: UUID | None = None) -> list[DockerContainer]:
        filters = json.dumps(self._filters(agent_id))
        return await self.docker.containers.list(all=True, filters=filters)

    async def networks(self, agent_id: UUID | None = None) -> list[dict[str, Any]]:
        return await self.docker.networks.list(filters=self._filters(agent_id))

    async def shown(self, agent_id: UUID) -> dict[str, Any]:
        """Return what `docker inspect` says of the agent's container."""
        [container] = await self.containers(agent_id)
        return await container.show()

    async def created(self, guest: Guest, engine: DockerEngine) -> str:
        """Make the container of *guest*, connected, but start nothing in it."""
        launch = guest.launch
        [network] = await engine.networks(guest.id)
        body = container_body(
            LaunchAgent(
                agent_id=launch.agent_id,
                org_id=launch.org_id,
                epoch=launch.epoch,
                image=launch.image,
                limits=Limits(memory_mb=64, cpus=1, pids=64),
                frame_bytes=0,
            ),
            await engine.image(launch.image),
            network_id=network.id,
            labels=self.owner.labels(launch.agent_id, launch.org_id, launch.epoch),
            init=AGENT_INIT,
        )
        return await engine.make_container(f"ag2trust-{guest.id}", body)

    async def plain(self, image: str, **host_config: Any) -> list[str]:
        """Run *image* as `docker run` would, without any of our defences."""
        config = {
            "Image": image,
            "Labels": {"ag2trust.installation": self.installation},
            "HostConfig": host_config,
        }
        return await self._told(config, b"")

    async def files_with(self, text: str) -> list[str]:
        """Return the files of Docker and containerd, of /run and /tmp, with *text*.

        They are read by a container, because they are root's. It is told *text* over
        standard input, so as not to be the one that spreads it. What has not changed
        since this lab was opened is not read, and what goes meanwhile need not be.
        """
        root = (await self.docker.system.info())["DockerRootDir"]
        places = [root, *filter(os.path.isdir, _PLACES)]
        since = int(self.since - _COARSE_CLOCK_SECONDS)
        search = (
            f"read -r text; find /searched -type f -newerct @{since} "
            '-exec grep -lasF -e "$text" {} +; echo searched'
        )
        config = {
            "Image": await self.image(),
            "Entrypoint": ["/bin/bash", "-c", search],
            "User": "0:0",
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "Labels": {"ag2trust.installation": self.installation},
            "HostConfig": {
                "Mounts": [*map(_mirrored, places)],
                "LogConfig": {"Type": "none"},
            },
        }
        *found, last = await self._told(config, f"{text}\n".encode())
        assert last == "searched"
        return [each for each in found if not each.endswith(_GONE)]

    async def _told(self, config: dict[str, Any], told: bytes) -> list[str]:
        """Run a container to its end; return the lines it printed."""
        container = await self.docker.containers.create(config)
        said = b""
        async with container.attach(stdin=True, stdout=True, stderr=True) as stream:
            await stream.write_in(told)
            await container.start()
            while message := await stream.read_out():
                said += message.data
        await container.delete(force=True)
        return said.decode().splitlines()

    async def clear(self) -> None:
        for container in await self.containers():
            await container.delete(force=True, v=True)
        for network in await self.networks():
            await (await self.docker.networks.get(network["Id"])).delete()
        for image in self.images:
            await self.docker.images.delete(image, force=True)

    def _filters(self, agent_id: UUID | None) -> dict[str, list[str]]:
        labels = [f"ag2trust.installation={self.installation}"]
        if agent_id:
            labels.append(f"ag2trust.agent={agent_id}")
        return {"label": labels}


@asynccontextmanager
async def docker_lab(engine: Path = SOCKET) -> AsyncIterator[DockerLab]:
    async with Docker(f"unix://{engine}") as docker:
        lab = DockerLab(docker)
        try:
            yield lab
        finally:
            await lab.clear()


def _mirrored(place: str) -> dict[str, Any]:
    """Not what is mounted below: that is every container's /proc, without end."""
    return {
        "Type": "bind",
        "Source": place,
        "Target": f"/searched{place}",
        "ReadOnly": True,
        "BindOptions": {"NonRecursive": True},
    }
