"""Waiting for the answer to a message: woken by a signal, certain by the record."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from shared.bus import Bus
from shared.contracts.agent_runner import (
    GET_MESSAGE,
    MESSAGE_FINISHED,
    AgentMessage,
    MessageQuestion,
    SubmitMessage,
)
from shared.contracts.base import Endpoint
from shared.contracts.conversations import AskAgentType
from shared.errors import UnavailableError

__all__ = ["Submission", "WaitingRoom"]

log = structlog.get_logger(__name__)

QuestionT = TypeVar("QuestionT", SubmitMessage, AskAgentType)


@dataclass(frozen=True, slots=True)
class Submission(Generic[QuestionT]):
    """A message on its way: to an agent, or to any of a type."""

    endpoint: Endpoint[QuestionT, AgentMessage]
    question: QuestionT

    @property
    def message_id(self) -> UUID:
        return self.question.message_id

    async def to(self, bus: Bus) -> AgentMessage:
        return await bus.ask(self.endpoint, self.question)

    async def looked_up(self, bus: Bus) -> AgentMessage:
        """Read what has become of the message."""
        question = MessageQuestion(
            org_id=self.question.org_id,
            actor=self.question.actor,
            message_id=self.message_id,
        )
        return await bus.ask(GET_MESSAGE, question)


class WaitingRoom:
    """Where requests wait for agents.

    A wait ends with the message, with its patience, when nobody is there to hear the
    answer any more, or when the gateway closes; the message itself goes on.
    *look_every* is how often the record is read in case a signal was lost.
    """

    def __init__(
        self, bus: Bus, *, look_every: timedelta = timedelta(seconds=2)
    ) -> None:
        self._bus = bus
        self._look_every = look_every
        self._waiting: set[asyncio.Event] = set()
        self._is_closed = False

    def close(self) -> None:
        """Send everybody home with what is known by now."""
        self._is_closed = True
        for news in self._waiting:
            news.set()

    async def submit_and_wait(
        self,
        submission: Submission[Any],
        *,
        patience: timedelta,
        is_abandoned: Callable[[], bool],
    ) -> AgentMessage:
        """Submit, and return the message as it is when the wait ends.

        We listen before we submit, so that no answer is too quick to be heard.
        """
        deadline = _time() + patience.total_seconds()
        with self._news() as news:
            async with self._bus.hearing(
                MESSAGE_FINISHED, lambda _: news.set(), key=submission.message_id
            ):
                message = await submission.to(self._bus)
                while not (message.status.is_final or self._is_closed):
                    if is_abandoned() or _time() >= deadline:
                        break
                    await self._pause(news, deadline)
                    message = await self._looked_up(message, submission)
                return message

    @contextmanager
    def _news(self) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            yield news
        finally:
            self._waiting.remove(news)

    async def _pause(self, news: asyncio.Event, deadline: float) -> None:
        next_look = _time() + self._look_every.total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(next_look, deadline)):
                await news.wait()
        news.clear()

    async def _looked_up(
        self, message: AgentMessage, submission: Submission[Any]
    ) -> AgentMessage:
        """Read the record; while nobody can, what we know stands."""
        try:
            return await submission.looked_up(self._bus)
        except UnavailableError:
            log.info("message.not_looked_up", message=str(submission.message_id))
            return message


def _time() -> float:
    return asyncio.get_running_loop().time()
