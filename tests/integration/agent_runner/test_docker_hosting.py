"""A whole runner on a Docker engine: one process for each agent, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from ag2trust.ports import free_port
from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.docker.runtime import docker_runtime
from agent_runner.runtimes.runtime import Exited, Launch, Placed, Runtime
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    GET_AGENT,
    START_AGENT,
    STOP_AGENT,
    Agent,
    AgentStatus,
    LogsQuestion,
)

from .docker_lab import SOCKET, DockerLab, docker_lab
from .engine_cable import engine_cable
from .neighbours import FakeRuntime
from .own_engine import own_engine
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

# Asks for its configuration, which is its first word, and then waits for its end.
SPEAK = (
    "door=${AG2TRUST_AGENT_URL#http://}; "
    'exec 3<>"/dev/tcp/${door%:*}/${door#*:}" || exit 9; '
    "printf 'GET /agent/v1/configuration HTTP/1.1\\r\\nHost: agent\\r\\n"
    "Authorization: Bearer %s\\r\\n\\r\\n' $AG2TRUST_AGENT_TOKEN >&3; read -r <&3; "
)
WAIT = SPEAK + "trap 'exit 0' TERM; while :; do sleep 0.1; done"
GREEDY = (
    f"{SPEAK} trap 'x=a; while :; do x=$x$x; done' USR1; while :; do sleep 0.1; done"
)
CURIOUS = (
    f"{SPEAK} runner=${{door%:*}}; "
    "(timeout 3 bash -c 'exec 4<>/dev/tcp/'$runner/5432) 2>/dev/null; "
    'exec 3<>"/dev/tcp/$runner/${door#*:}"; '
    "printf 'GET /agent/v1/configuration HTTP/1.1\\r\\nHost: agent\\r\\n"
    "Authorization: Bearer agt_guessed\\r\\n\\r\\n' >&3; read -r <&3; "
    "while :; do sleep 0.1; done"
)
SILENT = "while :; do sleep 0.1; done"
HOPELESS = "echo I cannot go on; exit 3"


@dataclass
class Harbour:
    """A house whose runner has a real engine."""

    house: House
    lab: DockerLab
    stack: Stack
    engine: Path

    @asynccontextmanager
    async def runner(self, image: str, *, port: int = 0) -> AsyncIterator[None]:
        """Run a runner with a broker of its own while the block lasts.

        If a *port* is told, agents reach no other one.
        """
        async with (
            self.lab.broker(engine=self.engine, agent_port=port or None) as broker,
            docker_runtime(broker) as runtime,
            running(self.stack, runtime, agent_image=image, proxy_port=port),
        ):
            yield

    async def started(self, **fields: Any) -> Agent:
        agent = await self.house.make_agent(**fields)
        return await self.house.bus.ask(START_AGENT, self.house.question(agent.id))

    async def containers(self) -> list[str]:
        return [each.id for each in await self.lab.containers()]

    async def running_containers(self) -> list[str]:
        return [
            each.id
            for each in await self.lab.containers()
            if each["State"] == "running"
        ]

    async def until_reason(self, agent_id: UUID, code: str) -> Agent:
        return await until(
            f"an agent with {code}",
            lambda: self.house.bus.ask(GET_AGENT, self.house.question(agent_id)),
            lambda agent: agent.status_reason and agent.status_reason.code == code,
        )

    async def replaced(self, before: list[str]) -> None:
        """Wait until something else runs than *before*."""
        await until(
            f"another container than {before}",
            self.running_containers,
            lambda running: running not in ([], before),
            seconds=120,
        )

    async def kill(self, agent_id: UUID) -> str:
        """Kill -9 an agent's container from outside; return its id."""
        return await self.send(agent_id, "SIGKILL")

    async def send(self, agent_id: UUID, signal: str) -> str:
        [container] = await self.lab.containers(agent_id)
        await container.kill(signal=signal)
        return container.id


@asynccontextmanager
async def open_harbour(
    stack: Stack, bus_as: BusAs, *, engine: Path = SOCKET
) -> AsyncIterator[Harbour]:
    async with AsyncExitStack() as resources:
        lab = await resources.enter_async_context(docker_lab(engine))
        house = await resources.enter_async_context(
            open_neighbourhood(stack, bus_as, FakeRuntime())
        )
        yield Harbour(house, lab, stack, engine)


@pytest.fixture
async def harbour(stack: Stack, bus_as: BusAs) -> AsyncIterator[Harbour]:
    async with open_harbour(stack, bus_as) as opened:
        yield opened


async def test_a_killed_container_is_told_of_and_replaced_by_one(
    harbour: Harbour, record_property: Callable[[str, object], None]
) -> None:
    house = harbour.house
    async with harbour.runner(await harbour.lab.image(WAIT)):
        agent = await harbour.started()
        await house.until(agent.id, AgentStatus.RUNNING)

        killed = await harbour.kill(agent.id)
        began = monotonic()
        told = await house.until(agent.id, AgentStatus.STARTING)
        took = monotonic() - began
        await house.until(agent.id, AgentStatus.RUNNING)
        [now] = await harbour.containers()

    record_property("told after kill -9 of a container", f"{took:.1f} s")
    assert told.status_reason
    assert told.status_reason.code == "AGENT_EXITED"
    assert "killed with code 137" in told.status_reason.message
    assert now != killed


async def test_an_agent_that_needs_too_much_memory_is_told_so(
    harbour: Harbour, record_property: Callable[[str, object], None]
) -> None:
    async with harbour.runner(await harbour.lab.image(GREEDY)):
        agent = await harbour.started(resources={"memory_mb": 64})
        await harbour.house.until(agent.id, AgentStatus.RUNNING)

        await harbour.send(agent.id, "SIGUSR1")
        began = monotonic()
        failed = await harbour.until_reason(agent.id, "AGENT_OUT_OF_MEMORY")
        took = monotonic() - began

    record_property("told after an agent took too much memory", f"{took:.1f} s")
    assert failed.status_reason
    assert "memory_mb" in failed.status_reason.fix
    assert failed.status is AgentStatus.STARTING


async def test_a_container_that_ends_at_once_leaves_its_last_words(
    harbour: Harbour,
) -> None:
    async with harbour.runner(await harbour.lab.image(HOPELESS)):
        agent = await harbour.started()
        failed = await harbour.until_reason(agent.id, "AGENT_EXITED")

    assert failed.status_reason
    assert "exited with code 3" in failed.status_reason.message
    assert "I cannot go on" in failed.status_reason.message


async def test_a_stopped_agent_leaves_nothing(harbour: Harbour) -> None:
    house = harbour.house
    async with harbour.runner(await harbour.lab.image(WAIT)):
        agent = await harbour.started()
        await house.until(agent.id, AgentStatus.RUNNING)
        await house.bus.ask(STOP_AGENT, house.question(agent.id))
        await house.until(agent.id, AgentStatus.STOPPED)
        left = await harbour.containers(), await harbour.lab.networks()

    assert left == ([], [])


async def test_an_agent_stopped_while_it_launches_leaves_nothing(
    harbour: Harbour, record_property: Callable[[str, object], None]
) -> None:
    house = harbour.house
    async with harbour.runner(await harbour.lab.image(SILENT)):
        agent = await harbour.started()
        await harbour.replaced([])
        began = monotonic()
        await house.bus.ask(STOP_AGENT, house.question(agent.id))
        await house.until(agent.id, AgentStatus.STOPPED)
        took = monotonic() - began
        left = await harbour.containers(), await harbour.lab.networks()

    record_property("stopped while it launches", f"{took:.1f} s")
    assert left == ([], [])


async def test_what_an_agent_tries_and_may_not_is_told_in_its_log(
    harbour: Harbour,
) -> None:
    house = harbour.house
    async with harbour.runner(await harbour.lab.image(CURIOUS), port=free_port()):
        agent = await harbour.started()
        await house.until(agent.id, AgentStatus.RUNNING)
        question = LogsQuestion(org_id=house.org_id, actor=ACTOR, agent_id=agent.id)

        async def told() -> set[str]:
            lines = (await house.bus.ask(AGENT_LOGS, question)).lines
            said = (line.partition("[ag2trust] refused: ")[2] for line in lines)
            return {" ".join(each.split()[:3]) for each in said if each}

        await house.holds(told, {"sent packets to", "called with a"})


async def test_what_a_killed_process_left_is_replaced_by_one_container(
    harbour: Harbour,
) -> None:
    house, image = harbour.house, await harbour.lab.image(WAIT)
    async with harbour.lab.broker(engine=harbour.engine) as broker:
        async with docker_runtime(broker) as runtime:
            mortal = Mortal(runtime)
            async with running(harbour.stack, mortal, agent_image=image):
                agent = await harbour.started()
                await house.until(agent.id, AgentStatus.RUNNING)
                mortal.is_dead = True
        left = await harbour.running_containers()
        async with (
            docker_runtime(broker) as runtime,
            running(harbour.stack, runtime, agent_image=image),
        ):
            await house.until(agent.id, AgentStatus.RUNNING)
            now = await harbour.running_containers()

    assert len(left) == len(now) == 1
    assert left != now


class Mortal(Runtime):
    """A runtime of a process that, once it is dead, ends nothing any more."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.is_dead = False

    async def check_image(self, image: str) -> None:
        await self._runtime.check_image(image)

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        return await self._runtime.connect(agent_id, org_id, epoch)

    async def launch(self, launch: Launch) -> None:
        await self._runtime.launch(launch)

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        if not self.is_dead:
            await self._runtime.stop(agent_id, grace=grace)

    async def survey(self) -> list[Placed]:
        return await self._runtime.survey()

    async def refused(self) -> Mapping[UUID, int]:
        return await self._runtime.refused()

    def exits(self) -> AsyncIterator[Exited]:
        return self._runtime.exits()

    def output(self, agent_id: UUID) -> AgentOutput | None:
        return self._runtime.output(agent_id)


@pytest.mark.torture  # a launch cut short leaves nothing in test_broker.py
async def test_an_engine_that_hangs_on_a_create_and_restarts_leaves_one_container(
    stack: Stack, bus_as: BusAs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    socket = tmp_path_factory.mktemp("cable") / "docker.sock"
    async with (
        engine_cable(SOCKET, socket) as cable,
        open_harbour(stack, bus_as, engine=socket) as harbour,
    ):
        image = await harbour.lab.image(WAIT)
        async with harbour.runner(image):
            cable.clog(b"/containers/create")
            agent = await harbour.started()
            async with asyncio.timeout(60):
                await cable.clogged.wait()
            await cable.cut()
            told = await harbour.until_reason(agent.id, "ENGINE_UNAVAILABLE")
            cable.clog(b"no such request")
            await cable.mend()
            await harbour.house.until(agent.id, AgentStatus.RUNNING)
            containers = await harbour.containers()

    assert told.status is AgentStatus.STARTING
    assert len(containers) == 1


async def test_a_full_disk_is_told_and_what_it_stopped_goes_on_when_there_is_room(
    stack: Stack, bus_as: BusAs, record_property: Callable[[str, object], None]
) -> None:
    async with (
        own_engine() as engine,
        open_harbour(stack, bus_as, engine=engine.socket) as harbour,
    ):
        image = await harbour.lab.image(WAIT)
        async with harbour.runner(image):
            engine.fill_disk()
            began = monotonic()
            agent = await harbour.started()
            told = await harbour.until_reason(agent.id, "ENGINE_UNAVAILABLE")
            told_after = monotonic() - began
            left = await harbour.containers()
            engine.free_disk()
            began = monotonic()
            again = await harbour.house.until(agent.id, AgentStatus.RUNNING)
            runs_after = monotonic() - began
            containers = await harbour.containers()

    record_property("told after a start on a full disk", f"{told_after:.1f} s")
    record_property("running after the disk had room", f"{runs_after:.1f} s")
    assert told.status is AgentStatus.STARTING
    assert told.status_reason
    assert "no space left on device" in told.status_reason.message
    assert (left, again.status_reason, len(containers)) == ([], None, 1)


async def test_agents_run_once_again_after_their_engine_was_killed(
    stack: Stack, bus_as: BusAs, record_property: Callable[[str, object], None]
) -> None:
    async with (
        own_engine() as engine,
        open_harbour(stack, bus_as, engine=engine.socket) as harbour,
    ):
        image = await harbour.lab.image(WAIT)
        async with harbour.runner(image):
            agent = await harbour.started()
            await harbour.house.until(agent.id, AgentStatus.RUNNING)
            before = await harbour.running_containers()

            await engine.kill()
            await engine.start()
            began = monotonic()
            await harbour.replaced(before)
            again = await harbour.house.until(agent.id, AgentStatus.RUNNING)
            took = monotonic() - began
            containers = await harbour.containers()

    record_property("running again after kill -9 of Docker", f"{took:.1f} s")
    assert again.status_reason is None
    assert len(before) == len(containers) == 1
