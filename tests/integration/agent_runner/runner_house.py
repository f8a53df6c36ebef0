"""A whole runner on real PostgreSQL and NATS, with stand-ins around it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp

import agent_runner.app
from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from agent_runner.hosting.rhythm import USUAL, Rhythm
from agent_runner.runtimes.runtime import Launch, Runtime
from agent_runner.settings import Settings
from shared.bus import NatsBus
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    GET_AGENT,
    START_AGENT,
    Agent,
    AgentQuestion,
    AgentStatus,
    CreateAgent,
)
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    AgentTypeSubmission,
    CreateAgentType,
)
from shared.contracts.base import Actor, Service
from shared.contracts.conversations import SUBMIT_MESSAGE, AgentMessage, SubmitMessage
from shared.ids import new_id

from .neighbours import FakeCredentials, FakeRuntime

__all__ = ["BRISK", "House", "Puppet", "open_house", "open_neighbourhood", "running"]

ACTOR = Actor(kind="user", id="ada")
_PATIENCE_SECONDS = 60

BRISK = Rhythm(
    round=timedelta(milliseconds=100),
    sweep=timedelta(milliseconds=100),
    first_pause=timedelta(milliseconds=10),
)
"""For tests of what comes after several failures, whose pauses others prove."""


class Puppet:
    """An agent's process, played by the test over the agent protocol."""

    def __init__(self, launch: Launch, session: aiohttp.ClientSession) -> None:
        self.launch = launch
        self._session = session
        self._url = launch.environment["AG2TRUST_AGENT_URL"]
        token = launch.environment["AG2TRUST_AGENT_TOKEN"]
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._session.get(
            f"{self._url}/agent/v1/{path}", headers=self._headers
        ) as response:
            return response.status, await _body(response)

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        async with self._session.post(
            f"{self._url}/agent/v1/{path}", headers=self._headers, json=body
        ) as response:
            return response.status, await _body(response)

    async def speak(self) -> None:
        status, _ = await self.get("configuration")
        assert status == 200

    async def next(self, wait_seconds: float = 10) -> Any:
        _, message = await self.get(f"next?wait_seconds={wait_seconds}")
        return message

    async def stream(self, message: Any, lines: AsyncIterator[object]) -> int:
        """Send a reply line by line, as fast as *lines* gives them."""

        async def encoded() -> AsyncIterator[bytes]:
            async for line in lines:
                yield json.dumps(line).encode() + b"\n"

        async with self._session.post(
            f"{self._url}/agent/v1/messages/{message['message_id']}/reply",
            headers=self._headers | {"Content-Type": "application/x-ndjson"},
            data=encoded(),
        ) as response:
            return response.status

    async def reply(self, message: Any, content: str) -> int:
        status, _ = await self.post(
            f"messages/{message['message_id']}/reply",
            {"status": "completed", "content": content},
        )
        return status


@dataclass
class House:
    org_id: UUID
    bus: NatsBus
    runtime: FakeRuntime
    credentials: FakeCredentials
    session: aiohttp.ClientSession
    provider_id: UUID

    def question(self, agent_id: UUID) -> AgentQuestion:
        return AgentQuestion(org_id=self.org_id, actor=ACTOR, agent_id=agent_id)

    async def make_agent(self, name: str = "ada", **fields: Any) -> Agent:
        """Make an agent of a type of its own, which has *fields*."""
        return await self.bus.ask(
            CREATE_AGENT,
            CreateAgent(
                org_id=self.org_id,
                actor=ACTOR,
                agent_id=new_id(),
                name=name,
                agent_type_id=await self.make_agent_type(name, **fields),
            ),
        )

    async def make_agent_type(self, name: str, **fields: Any) -> UUID:
        agent_type_id = new_id()
        submission = {"provider_id": self.provider_id, "model": "gpt-4o", **fields}
        await self.bus.ask(
            CREATE_AGENT_TYPE,
            CreateAgentType(
                org_id=self.org_id,
                actor=ACTOR,
                agent_type_id=agent_type_id,
                submission=AgentTypeSubmission.model_validate(
                    {"name": name, "slug": name, **submission}
                ),
            ),
        )
        return agent_type_id

    async def start(self, agent_id: UUID) -> Puppet:
        """Start an agent and speak its first word."""
        await self.bus.ask(START_AGENT, self.question(agent_id))
        puppet = await self.launched()
        await puppet.speak()
        await self.until(agent_id, AgentStatus.RUNNING)
        return puppet

    async def launched(self) -> Puppet:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return Puppet(await self.runtime.launching.get(), self.session)

    async def launched_for(self, agent_id: UUID) -> Puppet:
        """Wait for the launch of one agent, whatever else is launched."""
        while True:
            puppet = await self.launched()
            if puppet.launch.agent_id == agent_id:
                return puppet

    async def until(self, agent_id: UUID, status: AgentStatus) -> Agent:
        return await until(
            f"the agent {status}",
            lambda: self.bus.ask(GET_AGENT, self.question(agent_id)),
            lambda agent: agent.status is status,
        )

    async def holds(self, ask: Callable[[], Awaitable[object]], wanted: object) -> None:
        """Ask again and again until the answer is the wanted one."""
        await until(repr(wanted), ask, lambda answer: answer == wanted)

    async def submit(
        self,
        agent_id: UUID,
        content: str,
        thread_id: UUID | None = None,
        *,
        is_streamed: bool = False,
    ) -> AgentMessage:
        return await self.bus.ask(
            SUBMIT_MESSAGE,
            SubmitMessage(
                org_id=self.org_id,
                actor=ACTOR,
                message_id=new_id(),
                agent_id=agent_id,
                thread_id=thread_id,
                content=content,
                is_streamed=is_streamed,
            ),
        )


@asynccontextmanager
async def open_house(
    stack: Stack, bus_as: BusAs, runtime: FakeRuntime, *, rhythm: Rhythm = USUAL
) -> AsyncIterator[House]:
    """Run the runner while the block lasts; *runtime* may outlive it."""
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, rhythm=rhythm),
    ):
        yield house


@asynccontextmanager
async def open_neighbourhood(
    stack: Stack, bus_as: BusAs, runtime: FakeRuntime
) -> AsyncIterator[House]:
    """Open all that is around a runner, which is left to the caller."""
    credentials = FakeCredentials(
        identity=stack.identity(Service.CREDENTIALS),
        runner=stack.identity(Service.AGENT_RUNNER),
    )
    async with AsyncExitStack() as resources:
        credentials_bus = await resources.enter_async_context(
            bus_as(Service.CREDENTIALS)
        )
        await resources.enter_async_context(
            credentials_bus.serving(Service.CREDENTIALS, *credentials.answers())
        )
        provider_id = new_id()
        credentials.secrets[provider_id] = "sk-of-a-test-1234"
        yield House(
            org_id=new_id(),
            bus=await resources.enter_async_context(bus_as(Service.GATEWAY)),
            runtime=runtime,
            credentials=credentials,
            session=await resources.enter_async_context(aiohttp.ClientSession()),
            provider_id=provider_id,
        )


@asynccontextmanager
async def running(
    stack: Stack, runtime: Runtime, /, *, rhythm: Rhythm = USUAL, **overrides: Any
) -> AsyncIterator[None]:
    """Run a runner while the block lasts, with settings other than the usual ones."""

    @asynccontextmanager
    async def fake(_: Settings) -> AsyncIterator[Runtime]:
        yield runtime

    settings = stack.settings(Settings, Service.AGENT_RUNNER, **overrides)
    async with agent_runner.app.serving(settings, open_runtime=fake, rhythm=rhythm):
        yield


async def _body(response: aiohttp.ClientResponse) -> Any:
    return (
        await response.json() if response.content_type == "application/json" else None
    )
