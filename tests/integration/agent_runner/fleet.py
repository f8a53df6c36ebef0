"""Runners for a test to pause, to kill and to cut off, and others beside them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

import agent_runner.app
from ag2trust.ports import free_port
from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox
from agent_runner.settings import Settings
from shared.contracts.agent_runner import GET_AGENT, START_AGENT, Agent
from shared.contracts.base import PageQuestion, Service
from shared.contracts.conversations import (
    GET_MESSAGE,
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageQuestion,
    SubmitMessage,
)
from shared.contracts.runners import LIST_RUNNERS
from shared.contracts.runners import Runner as KnownRunner
from shared.errors import UnavailableError
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood

__all__ = ["Fleet", "Runner", "RunnerProcess", "open_fleet"]

_PATIENCE_SECONDS = 60


@dataclass
class Runner:
    """One runner; its agents' homes are below *folder*."""

    name: str
    folder: Path

    def agent_processes(self) -> list[int]:
        """Return the agents that live, whoever started them: a ledger names them."""
        homes = str(self.folder / "agent-runner" / "process" / "homes")
        return [
            int(each.name)
            for each in Path("/proc").glob("[0-9]*")
            if _lives_below(each, homes)
        ]


@dataclass
class RunnerProcess(Runner):
    """A runner that is a process of its own; its log is in *folder*, too."""

    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is open."""
        self.folder.mkdir(exist_ok=True)
        alive = self.folder / "alive"
        alive.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "agent_runner",
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await until(f"{self.name} open", alive.exists)

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        assert self.process
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await self.process.wait()

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.exit_code()

    async def close(self) -> None:
        """End it as its operator would, even if it was paused or has ended."""
        if self.process is None or self.process.returncode is not None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        await self.exit_code()


def _lives_below(process: Path, folder: str) -> bool:
    try:
        return str((process / "cwd").readlink()).startswith(folder)
    except OSError:
        return False


@dataclass
class Fleet:
    """Runners over one database and one bus, whose agents have a sandbox provider."""

    stack: Stack
    house: House
    database: "asyncpg.Connection[asyncpg.Record]"
    sandbox: Sandbox
    runners: dict[str, RunnerProcess] = field(default_factory=dict)

    async def runner(self, name: str, **settings: str) -> RunnerProcess:
        """Start a runner with these settings."""
        folder = self.stack.folder / name
        runner = RunnerProcess(
            name=name,
            folder=folder,
            environment=self.stack.environment(
                Service.AGENT_RUNNER,
                AG2TRUST_AGENT_RUNNER_NAME=name,
                AG2TRUST_AGENT_RUNNER_STATE_FOLDER=str(folder / "agent-runner"),
                AG2TRUST_AGENT_RUNNER_PROXY_PORT=str(free_port()),
                AG2TRUST_AGENT_RUNNER_ALIVE_FILE=str(folder / "alive"),
                **{
                    f"AG2TRUST_AGENT_RUNNER_{k}".upper(): v for k, v in settings.items()
                },
            ),
        )
        self.runners[name] = runner
        await runner.start()
        return runner

    @asynccontextmanager
    async def neighbour(self, name: str) -> AsyncIterator[Runner]:
        """Run a runner in this process, which spares starting one, during the block."""
        folder = self.stack.folder / name
        settings = self.stack.settings(
            Settings,
            Service.AGENT_RUNNER,
            name=name,
            state_folder=folder / "agent-runner",
            proxy_port=free_port(),
        )
        async with agent_runner.app.serving(settings):
            yield Runner(name, folder)

    async def running_agent(self, name: str = "ada", **fields: Any) -> UUID:
        """Make an agent that runs, and answers."""
        agent = await self.house.make_agent(name, **fields)
        await self.house.bus.ask(START_AGENT, self.house.question(agent.id))
        await self.answer(await self.submit(agent.id, "Are you there?"))
        return agent.id

    async def known_runners(self) -> dict[str, KnownRunner]:
        """Read what is told of each runner, by its name."""
        question = PageQuestion(org_id=self.house.org_id, actor=ACTOR)
        page = await until(
            "the runners",
            lambda: self.house.bus.ask(LIST_RUNNERS, question),
            not_yet=UnavailableError,
        )
        return {each.name: each for each in page.data}

    async def agent(self, agent_id: UUID) -> Agent:
        """Read an agent; a runner that is paused may hear the question first."""
        return await until(
            "the agent",
            lambda: self.house.bus.ask(GET_AGENT, self.house.question(agent_id)),
            not_yet=UnavailableError,
        )

    async def submit(self, agent_id: UUID, content: str) -> UUID:
        message = SubmitMessage(
            org_id=self.house.org_id,
            actor=ACTOR,
            message_id=new_id(),
            agent_id=agent_id,
            content=content,
        )
        await until(
            "a message accepted",
            lambda: self.house.bus.ask(SUBMIT_MESSAGE, message),
            not_yet=UnavailableError,
        )
        return message.message_id

    async def answer(self, message_id: UUID) -> AgentMessage:
        """Wait for the one final answer of a message."""
        question = MessageQuestion(
            org_id=self.house.org_id, actor=ACTOR, message_id=message_id
        )
        return await until(
            "the end of the message",
            lambda: self.house.bus.ask(GET_MESSAGE, question),
            lambda message: message.status.is_final,
            not_yet=UnavailableError,
        )

    async def host_of(self, agent_id: UUID) -> str | None:
        host: str | None = await self.database.fetchval(
            "SELECT runner FROM agent_runner.agent WHERE id = $1", agent_id
        )
        return host


@asynccontextmanager
async def open_fleet(
    stack: Stack, bus_as: BusAs, sandbox: Sandbox
) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as resources:
        house = await resources.enter_async_context(
            open_neighbourhood(stack, bus_as, FakeRuntime())
        )
        house.credentials.base_url = sandbox.base_url
        database = await stack.connect()
        resources.push_async_callback(database.close)
        fleet = Fleet(stack, house, database, sandbox)
        try:
            yield fleet
        finally:
            for runner in fleet.runners.values():
                await runner.close()
