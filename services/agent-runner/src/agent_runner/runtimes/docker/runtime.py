"""Runs agents in containers.

Docker is the ledger of what runs: every container and network carries labels, and
all that is remembered here beside them is what an agent printed.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from uuid import UUID

import structlog

from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.errors import EngineUnavailableError, LaunchFailedError
from agent_runner.runtimes.launch_frame import AGENT_INIT, launch_frame, unready
from agent_runner.runtimes.runtime import Exited, ExitReason, Launch, Placed, Runtime
from agent_runner.runtimes.turns import Turns

from .body import Owner, Volume, container_body, network_body
from .engine import (
    Attachment,
    Container,
    DockerEngine,
    Network,
    State,
    engine_at,
)
from .networks import free_subnets

__all__ = ["docker_runtime"]

log = structlog.get_logger(__name__)

_RETRY_AFTER_SECONDS = 1
_SUBNET_ATTEMPTS = 16
_SIGNALLED = 128  # exit codes above it: 128 + the signal's number


@asynccontextmanager
async def docker_runtime(
    *,
    installation: str,
    runner: str,
    network_range: IPv4Network,
    socket: Path = Path("/var/run/docker.sock"),
    init: Path | Volume = AGENT_INIT,
) -> AsyncIterator[Runtime]:
    """Hold a runtime on the Docker engine behind *socket*.

    Agents' networks are cut from *network_range*, which must be nobody else's. *init*
    is where the engine's host has agent_init.sh, or a volume with it as `init`.
    Containers go on when the runtime closes. Raises EngineUnavailableError if Docker
    does not answer.
    """
    owner = Owner(installation=installation, runner=runner)
    async with engine_at(socket, owner) as engine:
        found = await engine.containers()
        async with asyncio.TaskGroup() as group:
            runtime = _DockerRuntime(engine, owner, group, network_range, init)
            runtime.open(found)
            yield runtime
            runtime.close()


@dataclass(frozen=True, slots=True)
class _Agent:
    """A container whose end is to be told; without output if it was here before us."""

    agent_id: UUID
    epoch: int
    container_id: str
    output: AgentOutput | None


class _DockerRuntime(Runtime):
    def __init__(
        self,
        engine: DockerEngine,
        owner: Owner,
        group: asyncio.TaskGroup,
        network_range: IPv4Network,
        init: Path | Volume,
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._group = group
        self._network_range = network_range
        self._init = init
        self._agents: dict[UUID, _Agent] = {}
        self._untold: set[_Agent] = set()
        self._exits: asyncio.Queue[Exited] = asyncio.Queue()
        self._turns = Turns()
        self._allocation = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, found: Sequence[Container]) -> None:
        """Begin to watch, beginning with what an earlier process left running."""
        for container in found:
            if container.placed.is_running:
                self._watch(
                    _Agent(
                        agent_id=container.placed.agent_id,
                        epoch=container.placed.epoch,
                        container_id=container.id,
                        output=None,
                    )
                )
        self._spawn(self._tell_exits())

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        labels = self._owner.labels(agent_id, org_id, epoch)
        async with self._turns.of(agent_id):
            network = await self._network(agent_id)
            if network is None:
                await self._make_network(_name(agent_id, epoch), agent_id, labels)
                network = await self._connected(agent_id)
        return network.address

    async def launch(self, launch: Launch) -> None:
        frame = launch_frame(launch.environment)
        async with self._turns.of(launch.agent_id):
            await self._clear(launch.agent_id)
            try:
                agent = await self._start(launch, frame)
            except BaseException:
                await self._remove(launch.agent_id)
                raise
            self._watch(agent)
            # It may have ended before anybody watched.
            self._spawn(self._tell_if_over(agent))

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        async with self._turns.of(agent_id):
            self._forget(agent_id)
            for container in await self._engine.containers(agent_id):
                await self._engine.end(container.id, grace)
            await self._remove(agent_id)

    async def survey(self) -> list[Placed]:
        networks = await self._engine.networks()
        containers = await self._engine.containers()
        placed = [each.placed for each in networks]
        placed += [each.placed for each in containers]
        # The last of an agent's entries wins: what runs over what does not, a
        # container's over its network's.
        placed.sort(key=lambda each: each.is_running)
        return list({each.agent_id: each for each in placed}.values())

    async def exits(self) -> AsyncIterator[Exited]:
        while True:
            yield await self._exits.get()

    async def tail(self, agent_id: UUID) -> str:
        agent = self._agents.get(agent_id)
        return agent.output.text() if agent and agent.output else ""

    async def _network(self, agent_id: UUID) -> Network | None:
        networks = await self._engine.networks(agent_id)
        return networks[0] if networks else None

    async def _connected(self, agent_id: UUID) -> Network:
        network = await self._network(agent_id)
        if network is None:
            raise LaunchFailedError(f"Agent {agent_id} has no network; connect it.")
        return network

    async def _make_network(
        self, name: str, agent_id: UUID, labels: dict[str, str]
    ) -> None:
        tried: list[IPv4Network] = []
        for _ in range(_SUBNET_ATTEMPTS):
            # Ours take turns; another runner's choice may still come first.
            async with self._allocation:
                taken = [*await self._engine.taken_subnets(), *tried]
                free = free_subnets(self._network_range, taken, start=agent_id.int)
                subnet = next(free, None)
                if subnet is None:
                    break
                body = network_body(name, subnet, labels)
                if await self._engine.make_network(body):
                    return
                tried.append(subnet)
        raise LaunchFailedError(f"There is no free network in {self._network_range}.")

    async def _clear(self, agent_id: UUID) -> None:
        """Make room for a launch: what has ended goes, what runs refuses it."""
        for container in await self._engine.containers(agent_id):
            if container.placed.is_running:
                raise LaunchFailedError(f"Agent {agent_id} runs already.")
            await self._engine.remove_container(container.id)
        self._forget(agent_id)

    async def _start(self, launch: Launch, frame: bytes) -> _Agent:
        image = await self._engine.image(launch.image)
        if not image.command:
            raise LaunchFailedError(f"The image {launch.image} names no command.")
        network = await self._connected(launch.agent_id)
        container_id = await self._engine.make_container(
            _name(launch.agent_id, launch.epoch),
            container_body(
                launch,
                image,
                network_id=network.id,
                labels=self._owner.labels(launch.agent_id, launch.org_id, launch.epoch),
                init=self._init,
            ),
        )
        output = AgentOutput(launch.secrets)
        await self._boot(container_id, frame, output)
        return _Agent(launch.agent_id, launch.epoch, container_id, output)

    async def _boot(self, container_id: str, frame: bytes, output: AgentOutput) -> None:
        """Hand the frame over, and leave a task behind that listens to the agent."""
        async with AsyncExitStack() as stack:
            attachment = await stack.enter_async_context(
                self._engine.attached(container_id)
            )
            # Before the start: Docker keeps it in memory until the init reads.
            await attachment.write(frame)
            await self._engine.start(container_id)
            self._spawn(_listen(stack.pop_all(), attachment, output))
        if not await output.is_ready():
            state = await self._engine.state(container_id)
            code = state.exit_code if state else None
            raise unready(code, await output.final_text())

    async def _remove(self, agent_id: UUID) -> None:
        for container in await self._engine.containers(agent_id):
            await self._engine.remove_container(container.id)
        for network in await self._engine.networks(agent_id):
            await self._engine.remove_network(network.id)

    async def _tell_exits(self) -> None:
        while True:
            try:
                await self._follow_deaths()
            except EngineUnavailableError as error:
                log.warning("engine.lost", reason=error.message)
                await self._engine_answers()
                log.info("engine.found")

    async def _engine_answers(self) -> None:
        is_back = False
        while not is_back:
            await asyncio.sleep(_RETRY_AFTER_SECONDS)
            is_back = await self._engine.answers()

    async def _follow_deaths(self) -> None:
        async with self._engine.deaths() as deaths:
            await self._tell_missed()
            async for container_id in deaths:
                self._tell_death(container_id)

    async def _tell_missed(self) -> None:
        """Look for ends that came while nobody listened."""
        # Whoever is watched from here on is looked at when its launch ends.
        watched = set(self._untold)
        running = {
            container.id
            for container in await self._engine.containers()
            if container.placed.is_running
        }
        for agent in watched:
            if agent.container_id not in running:
                self._spawn(self._tell_if_over(agent))

    def _tell_death(self, container_id: str) -> None:
        for agent in self._untold:
            if agent.container_id == container_id:
                self._spawn(self._tell_if_over(agent))

    async def _tell_if_over(self, agent: _Agent) -> None:
        try:
            state = await self._engine.state(agent.container_id)
        except EngineUnavailableError:
            return  # when it is back, `_tell_missed` asks again
        if state and state.is_running:
            return
        last_words = await agent.output.final_text() if agent.output else ""
        if agent in self._untold:
            self._untold.remove(agent)
            self._exits.put_nowait(_exited(agent, state, last_words))

    def _watch(self, agent: _Agent) -> None:
        self._agents[agent.agent_id] = agent
        self._untold.add(agent)

    def _forget(self, agent_id: UUID) -> None:
        if agent := self._agents.pop(agent_id, None):
            self._untold.discard(agent)

    def _spawn(self, job: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _listen(
    stack: AsyncExitStack, attachment: Attachment, output: AgentOutput
) -> None:
    async with stack, aclosing(attachment.pieces()) as pieces:
        await output.listen(pieces)


def _exited(agent: _Agent, state: State | None, last_words: str) -> Exited:
    return Exited(
        agent_id=agent.agent_id,
        epoch=agent.epoch,
        exit_code=state.exit_code if state else None,
        reason=_reason(state),
        last_words=last_words,
    )


def _reason(state: State | None) -> ExitReason:
    if state is None:
        return ExitReason.VANISHED
    if state.is_out_of_memory and state.exit_code:
        return ExitReason.OUT_OF_MEMORY
    if state.exit_code > _SIGNALLED:
        return ExitReason.KILLED
    return ExitReason.EXITED


def _name(agent_id: UUID, epoch: int) -> str:
    return f"ag2trust-{agent_id}-{epoch}"
