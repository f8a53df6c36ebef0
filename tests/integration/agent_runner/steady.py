"""Messages sent steadily in a few threads, agents that answer, and what was lost."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp

from ag2trust.waiting import until
from shared.contracts.conversations import (
    GET_MESSAGE,
    AgentMessage,
    MessageQuestion,
    MessageStatus,
)
from shared.errors import AgentNotRunningError, UnavailableError
from shared.lifecycle import background

from .runner_house import ACTOR, House, Puppet

__all__ = ["Traffic", "Workers", "flowing", "losses", "working"]

_SECONDS_BETWEEN = 0.03
_PATIENCE_SECONDS = 60
_GONE = 401
_STORED = 204


@dataclass
class Traffic:
    """What was accepted, thread by thread, in the order of sending."""

    house: House
    agent_id: UUID
    threads: dict[UUID, list[AgentMessage]] = field(default_factory=dict)

    @property
    def accepted(self) -> list[AgentMessage]:
        return [each for thread in self.threads.values() for each in thread]

    async def flow(self, first: AgentMessage) -> None:
        """Send in one thread until cancelled, whatever is refused meanwhile."""
        thread = self.threads.setdefault(first.thread_id, [first])
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN)
            content = f"Message {len(thread)} of {first.thread_id}"
            try:
                sent = await self.house.submit(self.agent_id, content, first.thread_id)
            except (AgentNotRunningError, UnavailableError):
                continue
            thread.append(sent)

    async def until_accepted(self, more: int) -> None:
        """Wait until so many messages more were accepted."""
        wanted = len(self.accepted) + more
        await until(
            f"{wanted} accepted",
            lambda: len(self.accepted),
            lambda accepted: accepted >= wanted,
        )

    async def ends(self) -> list[list[AgentMessage]]:
        """Wait for the end of every message; return them thread by thread."""
        return [
            [await self._end_of(each) for each in thread]
            for thread in self.threads.values()
        ]

    async def _end_of(self, message: AgentMessage) -> AgentMessage:
        question = MessageQuestion(
            org_id=self.house.org_id, actor=ACTOR, message_id=message.message_id
        )
        return await until(
            f"the end of {message.message_id}",
            lambda: self.house.bus.ask(GET_MESSAGE, question),
            lambda found: found.status.is_final,
        )


@asynccontextmanager
async def flowing(
    house: House, agent_id: UUID, *, threads: int = 3
) -> AsyncIterator[Traffic]:
    """Send messages to an agent in some threads during the block."""
    traffic = Traffic(house, agent_id)
    firsts = [await house.submit(agent_id, "The first") for _ in range(threads)]
    async with background(*(traffic.flow(each) for each in firsts)):
        yield traffic


@dataclass
class Workers:
    """The processes of an agent, one after another; all answers, by message.

    While *is_held* is set, who has a message in hand keeps it, which *holding* tells.
    """

    answers: dict[str, list[str]] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    is_held: bool = False
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self) -> None:
        """Return once a message is in hand, and stays there."""
        self.is_held = True
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self.holding.wait()

    def release(self) -> None:
        self.is_held = False
        self._released.set()

    async def work(self, house: House) -> None:
        """Be every process that is launched, until cancelled."""
        async with asyncio.TaskGroup() as processes:
            while True:
                launch = await house.runtime.launching.get()
                puppet = Puppet(launch, house.session)
                processes.create_task(self._live(puppet))

    async def _live(self, puppet: Puppet) -> None:
        try:
            await puppet.speak()
            while True:
                status, message = await puppet.get("next?wait_seconds=10")
                if status == _GONE:
                    return
                if message is not None:
                    await self._answer(puppet, message)
        except (AssertionError, aiohttp.ClientError):
            return  # it was ended before its first word, or with its runner

    async def _answer(self, puppet: Puppet, message: dict[str, Any]) -> None:
        self.delivered.append(message["message_id"])
        if self.is_held:
            self.holding.set()
            await self._released.wait()
        content = f"To: {message['content']}"
        if await puppet.reply(message, content) == _STORED:
            self.answers.setdefault(message["message_id"], []).append(content)


@asynccontextmanager
async def working(house: House) -> AsyncIterator[Workers]:
    workers = Workers()
    async with background(workers.work(house)):
        yield workers


def losses(threads: Iterable[list[AgentMessage]]) -> list[str]:
    """Name what is wrong with how messages ended: not answered, or out of order."""
    found = []
    for thread in threads:
        found += [
            f"{each.message_id} is {each.status}"
            for each in thread
            if each.status is not MessageStatus.COMPLETED
        ]
        ends = [each.finished_at for each in thread if each.finished_at]
        if ends != sorted(ends):
            found.append(f"the thread {thread[0].thread_id} is out of order")
    return found
