"""What the broker does for its runner, with each of its requests.

Docker is the ledger of what runs: every container and network carries the labels of
the one owner that this broker makes, finds and ends anything for.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from uuid import UUID

import structlog

from agent_runner.runtimes.errors import ImageRefusedError, LaunchFailedError
from agent_runner.runtimes.turns import Turns

from .body import Owner, Volume, container_body, network_body
from .engine import Attachment, DockerEngine, Network
from .finishing import finished
from .host_ports import HostPorts
from .images import AgentImage, AllowedImages, ImageName
from .networks import free_subnets
from .wire import (
    CheckImage,
    ConnectAgent,
    Connected,
    Done,
    FollowOutput,
    GetState,
    LaunchAgent,
    Refused,
    RefusedCounted,
    StateFound,
    StopAgent,
    Surveyed,
)

__all__ = ["Broker", "Terms"]

log = structlog.get_logger(__name__)

_SUBNET_ATTEMPTS = 16


@dataclass(frozen=True, slots=True)
class Terms:
    """What this service's settings say of every launch, whoever asks for it."""

    owner: Owner
    network_range: IPv4Network
    init: Path | Volume
    images: AllowedImages
    container_runtime: str = ""


class Broker:
    """Any request may raise EngineUnavailableError."""

    def __init__(
        self, engine: DockerEngine, terms: Terms, ports: HostPorts | None
    ) -> None:
        self._engine = engine
        self._terms = terms
        self._ports = ports
        self._turns = Turns()
        self._allocation = asyncio.Lock()

    async def connect(self, request: ConnectAgent) -> Connected:
        async with self._turns.of(request.agent_id):
            await self._evict(request.agent_id)
            network = await self._network(request.agent_id)
            if network is None:
                await self._make_network(request)
                network = await self._connected(request.agent_id)
            if self._ports:
                await self._ports.close_to(network.bridge)
        return Connected(address=network.address)

    @asynccontextmanager
    async def launched(
        self, request: LaunchAgent, frame: bytes
    ) -> AsyncIterator[tuple[str, Attachment]]:
        """Launch, and hold what the agent prints; it outlives the block.

        Raises LaunchFailedError and leaves nothing behind, the network included; an
        agent that runs already is refused and left alone.
        """
        async with AsyncExitStack() as stack:
            async with self._turns.of(request.agent_id):
                await self._clear(request.agent_id)
                try:
                    container_id = await self._create(request)
                    attachment = await stack.enter_async_context(
                        self._engine.attached(container_id)
                    )
                    # Before the start: Docker keeps it in memory until the init reads.
                    await attachment.write_all(frame)
                    await self._engine.start(container_id)
                except BaseException:
                    await finished(self._remove(request.agent_id))
                    raise
            log.info("agent.launched", agent=str(request.agent_id), image=request.image)
            yield container_id, attachment

    async def stop(self, request: StopAgent) -> Done:
        grace = timedelta(seconds=request.grace_seconds)
        async with self._turns.of(request.agent_id):
            for container in await self._engine.containers(request.agent_id):
                await self._engine.end(container.container_id, grace)
            await self._remove(request.agent_id)
        return Done()

    async def end_all(self) -> None:
        """End and remove all that is our runner's, at once."""
        found = await self.survey()
        placed = {each.agent_id for each in found.networks}
        placed |= {each.placed.agent_id for each in found.containers}
        async with asyncio.TaskGroup() as endings:
            for agent_id in placed:
                log.info("agent.orphaned", agent=str(agent_id))
                request = StopAgent(agent_id=agent_id, grace_seconds=0)
                endings.create_task(self.stop(request))

    async def survey(self) -> Surveyed:
        networks = await self._engine.networks()
        containers = await self._engine.containers()
        return Surveyed(
            containers=tuple(containers),
            networks=tuple(each.placed for each in networks),
        )

    async def state(self, request: GetState) -> StateFound:
        return StateFound(state=await self._engine.state(request.container_id))

    async def refused(self) -> RefusedCounted:
        if self._ports is None:
            return RefusedCounted(agents=())
        networks = await self._engine.networks()
        packets = await self._ports.refused()
        return RefusedCounted(
            agents=tuple(
                Refused(agent_id=each.placed.agent_id, packets=packets[each.bridge])
                for each in networks
                if packets.get(each.bridge)
            )
        )

    @asynccontextmanager
    async def ends(self) -> AsyncIterator[AsyncGenerator[str, None]]:
        """Subscribe, then tell the id of each container that ends."""
        async with self._engine.deaths() as deaths:
            yield deaths

    @asynccontextmanager
    async def output(self, request: FollowOutput) -> AsyncIterator[Attachment]:
        """Hold what an agent prints from now on; LaunchFailedError if it ended."""
        state = await self._engine.state(request.container_id)
        if state is None or not state.is_running:
            raise LaunchFailedError("There is no such agent, or it has ended.")
        async with self._engine.attached(
            request.container_id, to_input=False
        ) as attachment:
            yield attachment

    async def check_image(self, request: CheckImage) -> Done:
        await self._image(request.image)
        return Done()

    async def _image(self, text: str) -> AgentImage:
        """Look at an image before it is used: only what the terms allow, as it is."""
        try:
            name = ImageName.parse(text)
        except ValueError as error:
            raise ImageRefusedError(f"{text!r} is no name of an image.") from error
        if not self._terms.images.may_be(name):
            raise _not_allowed(text)
        image = await self._engine.image(text)
        if not self._terms.images.allow(name, image):
            raise _not_allowed(text)
        if image.volumes:
            volumes = ", ".join(sorted(image.volumes))
            raise ImageRefusedError(
                f"The image {text} declares volumes ({volumes}); they would be folders "
                "of the host. Build it without VOLUME."
            )
        if not image.command:
            raise ImageRefusedError(f"The image {text} names no command.")
        return image

    async def _create(self, request: LaunchAgent) -> str:
        image = await self._image(request.image)
        await self._check_container_runtime()
        network = await self._connected(request.agent_id)
        if self._ports:
            await self._ports.close_to(network.bridge)
        body = container_body(
            request,
            image,
            network_id=network.id,
            labels=self._terms.owner.labels(
                request.agent_id, request.org_id, request.epoch
            ),
            init=self._terms.init,
            container_runtime=self._terms.container_runtime,
        )
        return await self._engine.make_container(
            self._terms.owner.name(request.agent_id, request.epoch), body
        )

    async def _check_container_runtime(self) -> None:
        wanted = self._terms.container_runtime
        if not wanted:
            return
        offered = await self._engine.container_runtimes()
        if wanted not in offered:
            raise LaunchFailedError(
                f"This engine does not offer the container runtime {wanted}; it offers "
                f"{', '.join(offered)}."
            )

    async def _evict(self, agent_id: UUID) -> None:
        """Remove what other runners left here of an agent that is our runner's now."""
        containers, networks = await self._engine.strangers(agent_id)
        for container_id in containers:
            log.info("agent.evicted", agent=str(agent_id))
            await self._engine.remove_container(container_id)
        for network_id in networks:
            await self._engine.remove_network(network_id)

    async def _network(self, agent_id: UUID) -> Network | None:
        networks = await self._engine.networks(agent_id)
        return networks[0] if networks else None

    async def _connected(self, agent_id: UUID) -> Network:
        network = await self._network(agent_id)
        if network is None:
            raise LaunchFailedError(f"Agent {agent_id} has no network; connect it.")
        return network

    async def _make_network(self, request: ConnectAgent) -> None:
        name = self._terms.owner.name(request.agent_id, request.epoch)
        labels = self._terms.owner.labels(
            request.agent_id, request.org_id, request.epoch
        )
        within, start = self._terms.network_range, request.agent_id.int
        tried: list[IPv4Network] = []
        for _ in range(_SUBNET_ATTEMPTS):
            # Ours take turns; another broker's choice may still come first.
            async with self._allocation:
                taken = [*await self._engine.taken_subnets(), *tried]
                subnet = next(free_subnets(within, taken, start=start), None)
                if subnet is None:
                    break
                body = network_body(name, subnet, labels)
                if await self._engine.make_network(body):
                    return
                tried.append(subnet)
        raise LaunchFailedError(f"There is no free network in {within}.")

    async def _clear(self, agent_id: UUID) -> None:
        """Make room for a launch: what has ended goes, what runs refuses it."""
        for container in await self._engine.containers(agent_id):
            if container.placed.is_running:
                raise LaunchFailedError(f"Agent {agent_id} runs already.")
            await self._engine.remove_container(container.container_id)

    async def _remove(self, agent_id: UUID) -> None:
        for container in await self._engine.containers(agent_id):
            await self._engine.remove_container(container.container_id)
        for network in await self._engine.networks(agent_id):
            await self._engine.remove_network(network.id)
            if self._ports:
                await self._ports.forget(network.bridge)


def _not_allowed(image: str) -> ImageRefusedError:
    return ImageRefusedError(
        f"The image {image} is not among those that the settings of the launch broker "
        "allow."
    )
