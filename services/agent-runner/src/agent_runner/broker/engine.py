"""Docker, as the broker sees it. The only module that imports aiodocker."""

import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiodocker import Docker, DockerError
from aiodocker.stream import Stream

from agent_runner.runtimes.errors import (
    EngineUnavailableError,
    ImageNotFoundError,
    LaunchFailedError,
)
from agent_runner.runtimes.placed import Placed

from .body import Owner, placed_from
from .images import AgentImage
from .wire import PlacedContainer, State

__all__ = ["Attachment", "DockerEngine", "Network", "engine_at"]

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
# After this much silence the stream of events ends; its reader looks around and asks
# for a new one, so that no lost event is lost for long.
_EVENTS_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
_CANNOT_CONNECT = 900  # aiodocker's status when there is no answer
_UP = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True, slots=True)
class Network:
    """One agent's network; *address* is the host's own in it."""

    id: str
    placed: Placed
    address: str

    @property
    def bridge(self) -> str:
        """The interface's name on the host (moby, libnetwork's bridge driver)."""
        return f"br-{self.id[:12]}"


@asynccontextmanager
async def engine_at(socket: Path, owner: Owner) -> AsyncIterator["DockerEngine"]:
    # No limit: each agent's output holds a connection for as long as the agent lives.
    connector = aiohttp.UnixConnector(str(socket), limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        docker = Docker(
            "unix://localhost", connector=connector, session=session, timeout=_TIMEOUT
        )
        async with docker:
            yield DockerEngine(docker, session, owner)


class DockerEngine:
    """Lists what *owner* has, and makes and unmakes it.

    Every method raises EngineUnavailableError if Docker does not answer, or refuses
    for a reason that the method does not name.
    """

    def __init__(
        self, docker: Docker, session: aiohttp.ClientSession, owner: Owner
    ) -> None:
        self._docker = docker
        self._session = session
        self._owner = owner

    async def container_runtimes(self) -> list[str]:
        """Return the names of what this engine can run containers with."""
        with _translated():
            return sorted((await self._docker.system.info())["Runtimes"])

    async def image(self, name: str) -> AgentImage:
        """Describe an image of this host; raise ImageNotFoundError if it has none."""
        with _translated():
            try:
                inspected = await self._docker.images.inspect(name)
            except DockerError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    raise ImageNotFoundError(
                        f"There is no image {name} on this host; pull or build it."
                    ) from error
                raise
        return AgentImage.described(inspected)

    async def containers(self, agent_id: UUID | None = None) -> list[PlacedContainer]:
        filters = json.dumps(self._owner.filters(agent_id))
        with _translated():
            found = await self._docker.containers.list(all=True, filters=filters)
        return [_container(each.id, each["Labels"], each["State"]) for each in found]

    async def networks(self, agent_id: UUID | None = None) -> list[Network]:
        filters = self._owner.filters(agent_id)
        with _translated():
            found = await self._docker.networks.list(filters=filters)
        return [_network(each) for each in found]

    async def bridges(self) -> set[str]:
        return {each.bridge for each in await self.networks()}

    async def strangers(self, agent_id: UUID) -> tuple[list[str], list[str]]:
        """Return the ids of an agent's containers and networks that are not ours."""
        filters = self._owner.filters_of_anyone(agent_id)
        with _translated():
            containers = await self._docker.containers.list(
                all=True, filters=json.dumps(filters)
            )
            networks = await self._docker.networks.list(filters=filters)
        return (
            [each.id for each in containers if not self._owner.owns(each["Labels"])],
            [each["Id"] for each in networks if not self._owner.owns(each["Labels"])],
        )

    async def taken_subnets(self) -> list[IPv4Network]:
        """Return the subnets of every network of this engine, whoever owns it."""
        with _translated():
            found = await self._docker.networks.list()
        return [subnet for each in found for subnet in _subnets(each)]

    async def make_network(self, body: dict[str, Any]) -> bool:
        """Return False if its subnet overlaps another network's."""
        with _translated():
            try:
                await self._docker.networks.create(body)
            except DockerError as error:
                if error.status == HTTPStatus.FORBIDDEN:
                    return False
                raise
        return True

    async def make_container(self, name: str, body: dict[str, Any]) -> str:
        """Return its id. Raises LaunchFailedError if Docker refuses the body."""
        with _translated(), _launching("create"):
            container = await self._docker.containers.create(body, name=name)
        return container.id

    async def start(self, container_id: str) -> None:
        """Start it; raise LaunchFailedError if it cannot."""
        with _translated(), _launching("start"):
            await self._docker.containers.container(container_id).start()

    @asynccontextmanager
    async def attached(
        self, container_id: str, *, to_input: bool = True
    ) -> AsyncIterator["Attachment"]:
        """Hold the container's standard streams; its input ends when this closes."""
        container = self._docker.containers.container(container_id)
        with _translated():
            async with container.attach(
                stdin=to_input, stdout=True, stderr=True
            ) as stream:
                yield Attachment(stream)

    async def state(self, container_id: str) -> State | None:
        """Return None if the owner has no such container, or none any more."""
        with _translated():
            try:
                shown = await self._docker.containers.container(container_id).show()
            except DockerError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                raise
        if not self._owner.owns(shown["Config"]["Labels"]):
            return None
        state = shown["State"]
        return State(
            is_running=state["Running"],
            is_out_of_memory=state["OOMKilled"],
            exit_code=state["ExitCode"],
        )

    async def end(self, container_id: str, grace: timedelta) -> None:
        """SIGTERM, and SIGKILL after *grace* (whole seconds, rounded up)."""
        seconds = math.ceil(grace.total_seconds())
        timeout = aiohttp.ClientTimeout(total=seconds + 60, sock_connect=5)
        container = self._docker.containers.container(container_id)
        with _translated(), _gone_is_fine():
            await container.stop(t=seconds, timeout=timeout)

    async def remove_container(self, container_id: str) -> None:
        container = self._docker.containers.container(container_id)
        with _translated(), _gone_is_fine():
            await container.delete(force=True, v=True)

    async def remove_network(self, network_id: str) -> None:
        with _translated(), _gone_is_fine():
            network = await self._docker.networks.get(network_id)
            await network.delete()

    @asynccontextmanager
    async def deaths(self) -> AsyncIterator[AsyncGenerator[str, None]]:
        """Subscribe, then tell the id of each container of ours that ends.

        aiodocker's own subscription does not say when it has begun, so the moments
        before it would go unseen.
        """
        filters = {"type": ["container"], "event": ["die"], **self._owner.filters()}
        with _translated():
            async with (
                self._session.get(
                    "http://docker/events",
                    params={"filters": json.dumps(filters)},
                    timeout=_EVENTS_TIMEOUT,
                    raise_for_status=True,
                ) as response,
                aclosing(_ids(response)) as ids,
            ):
                yield ids


class Attachment:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def write_all(self, data: bytes) -> None:
        """Write *data*, and say that there is no more; output is still to be read."""
        await self._stream.write_in(data)
        # aiodocker ends both directions or none.
        response = self._stream._resp  # noqa: SLF001
        if response and response.connection and response.connection.transport:
            response.connection.transport.write_eof()

    async def pieces(self) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield (1 for output or 2 for errors, data) until the container ends."""
        try:
            while message := await self._stream.read_out():
                yield message.stream, message.data
        except aiohttp.ClientError:
            return  # the engine hung up; who watches the container sees what became


async def _ids(response: aiohttp.ClientResponse) -> AsyncGenerator[str, None]:
    try:
        async for line in response.content:
            yield json.loads(line)["Actor"]["ID"]
    except TimeoutError:
        return  # silent for long enough


def _container(
    container_id: str, labels: dict[str, str], state: str
) -> PlacedContainer:
    placed = placed_from(labels, is_running=state in _UP)
    return PlacedContainer(container_id=container_id, placed=placed)


def _network(listed: dict[str, Any]) -> Network:
    return Network(
        id=listed["Id"],
        placed=placed_from(listed["Labels"], is_running=False),
        address=listed["IPAM"]["Config"][0]["Gateway"],
    )


def _subnets(listed: dict[str, Any]) -> list[IPv4Network]:
    configs = listed["IPAM"]["Config"] or ()
    subnets = [config["Subnet"] for config in configs]
    return [IPv4Network(subnet) for subnet in subnets if ":" not in subnet]


@contextmanager
def _translated() -> Iterator[None]:
    """Tell what Docker could not do in its own words: nothing it is sent is secret."""
    try:
        yield
    except DockerError as error:
        if error.status == _CANNOT_CONNECT:
            raise EngineUnavailableError("Docker does not answer.") from error
        raise EngineUnavailableError(
            f"Docker refused a request with status {error.status}: {error.message}"
        ) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise EngineUnavailableError("Docker does not answer.") from error


@contextmanager
def _launching(step: str) -> Iterator[None]:
    """Tell a refusal as a failed launch."""
    try:
        yield
    except DockerError as error:
        if error.status == _CANNOT_CONNECT:
            raise
        raise LaunchFailedError(
            f"Docker could not {step} the agent's container: {error.message}"
        ) from error


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Take it as done when the thing is gone, or is being removed (409)."""
    try:
        yield
    except DockerError as error:
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise
