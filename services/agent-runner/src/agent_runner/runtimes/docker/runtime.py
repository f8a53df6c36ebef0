"""Runs agents in containers, which the launch broker makes.

Docker is the ledger of what runs, and the broker reads it: all that is remembered here
beside it is what an agent printed.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog

from agent_runner.broker.wire import (
    CheckImage,
    ConnectAgent,
    Connected,
    CountRefused,
    Done,
    GetState,
    PlacedContainer,
    RefusedCounted,
    State,
    StateFound,
    StopAgent,
    Survey,
    Surveyed,
)
from agent_runner.runtimes.agent_output import READY_WITHIN, AgentOutput
from agent_runner.runtimes.errors import EngineUnavailableError, LaunchFailedError
from agent_runner.runtimes.launch_frame import launch_frame, unready
from agent_runner.runtimes.outputs import Outputs
from agent_runner.runtimes.runtime import Exited, ExitReason, Launch, Placed, Runtime
from agent_runner.runtimes.turns import Turns

from .broker import Broker, Pieces

__all__ = ["docker_runtime"]

log = structlog.get_logger(__name__)

_RETRY_AFTER_SECONDS = 1
_SIGNALLED = 128  # exit codes above it: 128 + the signal's number


@asynccontextmanager
async def docker_runtime(
    broker: Path,
    *,
    within: timedelta = timedelta(seconds=30),
    ready_within: timedelta = READY_WITHIN,
) -> AsyncIterator[Runtime]:
    """Hold a runtime on the launch broker that listens at *broker*.

    Containers go on when the runtime closes. An agent whose init is not ready
    *ready_within* that time is ended. Raises EngineUnavailableError if broker or Docker
    do not answer *within* that time.
    """
    asked = Broker(broker)
    found = await _first_survey(asked, within)
    async with asyncio.TaskGroup() as group:
        runtime = _DockerRuntime(asked, group, ready_within)
        runtime.open(found.containers)
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
        self, broker: Broker, group: asyncio.TaskGroup, ready_within: timedelta
    ) -> None:
        self._broker = broker
        self._group = group
        self._ready_within = ready_within
        self._agents: dict[UUID, _Agent] = {}
        self._outputs = Outputs()
        self._untold: set[_Agent] = set()
        self._heard: set[_Agent] = set()
        self._exits: asyncio.Queue[Exited] = asyncio.Queue()
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, found: Sequence[PlacedContainer]) -> None:
        """Begin to watch, beginning with what an earlier process left running."""
        for container in found:
            if container.placed.is_running:
                self._watch(
                    _Agent(
                        agent_id=container.placed.agent_id,
                        epoch=container.placed.epoch,
                        container_id=container.container_id,
                        output=None,
                    )
                )
        self._spawn(self._tell_exits())

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def check_image(self, image: str) -> None:
        await self._broker.ask(CheckImage(image=image), Done)

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        request = ConnectAgent(agent_id=agent_id, org_id=org_id, epoch=epoch)
        return (await self._broker.ask(request, Connected)).address

    async def launch(self, launch: Launch) -> None:
        frame = launch_frame(launch.environment)
        async with self._turns.of(launch.agent_id):
            try:
                agent, output = await self._launched(launch, frame)
            except asyncio.CancelledError:
                await self._remove(launch.agent_id)
                raise
            self._forget(launch.agent_id)
            try:
                await self._until_ready(agent, output)
            except BaseException:
                await self._remove(launch.agent_id)
                raise
            self._watch(agent)
            # It may have ended before anybody watched.
            self._spawn(self._tell_if_over(agent))

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        async with self._turns.of(agent_id):
            self._forget(agent_id)
            await self._remove(agent_id, grace)

    async def survey(self) -> list[Placed]:
        found = await self._broker.ask(Survey(), Surveyed)
        placed = [*found.networks, *(each.placed for each in found.containers)]
        # The last of an agent's entries wins: what runs over what does not, a
        # container's over its network's.
        placed.sort(key=lambda each: each.is_running)
        return list({each.agent_id: each for each in placed}.values())

    async def refused(self) -> dict[UUID, int]:
        told = await self._broker.ask(CountRefused(), RefusedCounted)
        return {each.agent_id: each.packets for each in told.agents}

    async def exits(self) -> AsyncIterator[Exited]:
        while True:
            yield await self._exits.get()

    def output(self, agent_id: UUID) -> AgentOutput | None:
        return self._outputs.of(agent_id)

    async def _launched(
        self, launch: Launch, frame: bytes
    ) -> tuple[_Agent, AgentOutput]:
        """Have it launched, and leave a task behind that listens to the agent.

        What the broker refuses, or cannot do, leaves nothing behind.
        """
        output = AgentOutput(launch.secrets, ready_within=self._ready_within)
        async with AsyncExitStack() as stack:
            container_id, pieces = await stack.enter_async_context(
                self._broker.launched(launch, frame)
            )
            self._outputs.keep(launch.agent_id, output)
            agent = _Agent(launch.agent_id, launch.epoch, container_id, output)
            self._spawn(self._hear(stack.pop_all(), pieces, agent, output))
        return agent, output

    async def _until_ready(self, agent: _Agent, output: AgentOutput) -> None:
        if not await output.is_ready():
            state = await self._state(agent)
            code = state.exit_code if state else None
            raise unready(code, await output.final_text())

    async def _hear(
        self,
        stack: AsyncExitStack,
        pieces: Pieces,
        agent: _Agent,
        output: AgentOutput,
    ) -> None:
        self._heard.add(agent)
        try:
            async with stack, aclosing(pieces):
                await output.listen(pieces)
        finally:
            self._heard.discard(agent)

    async def _hear_again(self, agent: _Agent, output: AgentOutput) -> None:
        """Go on listening to an agent that runs, after the broker was lost."""
        self._heard.add(agent)
        try:
            async with AsyncExitStack() as stack:
                pieces = await stack.enter_async_context(
                    self._broker.output(agent.container_id)
                )
                await self._hear(stack.pop_all(), pieces, agent, output)
        except (EngineUnavailableError, LaunchFailedError):
            return  # gone again, or ended meanwhile: both are looked at anyway
        finally:
            self._heard.discard(agent)

    async def _state(self, agent: _Agent) -> State | None:
        request = GetState(container_id=agent.container_id)
        return (await self._broker.ask(request, StateFound)).state

    async def _remove(self, agent_id: UUID, grace: timedelta = timedelta()) -> None:
        request = StopAgent(agent_id=agent_id, grace_seconds=grace.total_seconds())
        await self._broker.ask(request, Done)

    async def _tell_exits(self) -> None:
        while True:
            try:
                await self._follow_ends()
            except EngineUnavailableError as error:
                log.warning("engine.lost", reason=error.message)
                await _until_answers(self._broker)
                log.info("engine.found")

    async def _follow_ends(self) -> None:
        async with self._broker.ends() as ends:
            await self._look_around()
            async for container_id in ends:
                self._tell_end(container_id)

    async def _look_around(self) -> None:
        """Look for ends that came while nobody watched, and for agents unheard."""
        # Whoever is watched from here on is looked at when its launch ends.
        watched = set(self._untold)
        found = await self._broker.ask(Survey(), Surveyed)
        running = {
            each.container_id for each in found.containers if each.placed.is_running
        }
        for agent in watched:
            if agent.container_id not in running:
                self._spawn(self._tell_if_over(agent))
            elif agent.output and agent not in self._heard:
                self._spawn(self._hear_again(agent, agent.output))

    def _tell_end(self, container_id: str) -> None:
        for agent in self._untold:
            if agent.container_id == container_id:
                self._spawn(self._tell_if_over(agent))

    async def _tell_if_over(self, agent: _Agent) -> None:
        try:
            state = await self._state(agent)
        except EngineUnavailableError:
            return  # when it is back, `_look_around` asks again
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


async def _first_survey(broker: Broker, within: timedelta) -> Surveyed:
    """Survey what is here, waiting for a broker that is only starting."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within.total_seconds()
    while True:
        try:
            return await broker.ask(Survey(), Surveyed)
        except EngineUnavailableError:
            if loop.time() >= give_up:
                raise
        await asyncio.sleep(_RETRY_AFTER_SECONDS)


async def _until_answers(broker: Broker) -> None:
    while True:
        await asyncio.sleep(_RETRY_AFTER_SECONDS)
        try:
            await broker.ask(Survey(), Surveyed)
        except EngineUnavailableError:
            continue
        return


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
