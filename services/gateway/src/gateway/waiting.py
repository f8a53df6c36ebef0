"""Waiting for the answer to a message: woken by signals, certain by the record."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import (
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from shared.bus import Bus
from shared.contracts.base import Endpoint
from shared.contracts.conversations import (
    GET_MESSAGE,
    MESSAGE_CHUNK,
    MESSAGE_FINISHED,
    AgentMessage,
    AskAgentType,
    MessageQuestion,
    SubmitMessage,
)
from shared.errors import UnavailableError
from shared.timeouts import timeout_at

from .reply_pieces import Earshot, Piece

__all__ = ["News", "Submission", "WaitingRoom"]

log = structlog.get_logger(__name__)

News = AgentMessage | Piece | None
"""Of a message that is waited for; None when there is none."""

QuestionT = TypeVar("QuestionT", SubmitMessage, AskAgentType)


@dataclass(frozen=True, slots=True)
class Submission(Generic[QuestionT]):
    """A message on its way: to an agent, or to any of a type."""

    endpoint: Endpoint[QuestionT, AgentMessage]
    question: QuestionT

    @property
    def message_id(self) -> UUID:
        return self.question.message_id

    @property
    def thread_id(self) -> UUID:
        """A thread that begins with this message has its id."""
        return self.question.thread_id or self.message_id

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
        self._waiting: set[_Wait] = set()
        self._is_closed = False

    def close(self) -> None:
        """Send everybody home with what is known by now."""
        self._is_closed = True
        for wait in self._waiting:
            wait.end()

    async def submit_and_wait(
        self,
        submission: Submission[Any],
        *,
        patience: timedelta,
        is_abandoned: Callable[[], bool],
    ) -> AgentMessage:
        """Submit, and return the message as it is when the wait ends."""
        following = self.submit_and_follow(
            submission, patience=patience, is_abandoned=is_abandoned
        )
        async with aclosing(following) as news:
            messages = [each async for each in news if isinstance(each, AgentMessage)]
        return messages[-1]

    async def submit_and_follow(
        self,
        submission: Submission[Any],
        *,
        patience: timedelta,
        is_abandoned: Callable[[], bool],
    ) -> AsyncGenerator[News, None]:
        """Submit, and tell what there is to tell as it happens.

        The message as it was accepted; pieces of its reply, if it is streamed; None
        now and then; and last the message as it is when the wait ends. We listen
        before we submit, so that no answer is too quick to be heard.
        """
        deadline = _time() + patience.total_seconds()
        with self._wait() as wait:
            async with self._hearing(wait, submission):
                message = await submission.to(self._bus)
                yield message
                while not (message.status.is_final or self._is_closed):
                    if is_abandoned() or _time() >= deadline:
                        break
                    if await wait.is_time_to_look(deadline):
                        message = await self._looked_up(message, submission)
                    for piece in wait.earshot.pieces():
                        yield piece
                    yield None
                yield message

    @contextmanager
    def _wait(self) -> "Iterator[_Wait]":
        wait = _Wait(self._look_every)
        self._waiting.add(wait)
        try:
            yield wait
        finally:
            self._waiting.remove(wait)

    @asynccontextmanager
    async def _hearing(
        self, wait: "_Wait", submission: Submission[Any]
    ) -> AsyncIterator[None]:
        key = submission.message_id
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(
                self._bus.hearing(MESSAGE_FINISHED, lambda _: wait.end(), key=key)
            )
            if submission.question.is_streamed:
                await stack.enter_async_context(
                    self._bus.hearing(MESSAGE_CHUNK, wait.earshot.hear, key=key)
                )
            yield

    async def _looked_up(
        self, message: AgentMessage, submission: Submission[Any]
    ) -> AgentMessage:
        """Read the record; while nobody can, what we know stands."""
        try:
            return await submission.looked_up(self._bus)
        except UnavailableError:
            log.info("message.not_looked_up", message=str(submission.message_id))
            return message


class _Wait:
    """One request's: what it has heard, and when it looks at the record."""

    def __init__(self, look_every: timedelta) -> None:
        self._look_every = look_every.total_seconds()
        self._next_look = _time() + self._look_every
        self._has_ended = False
        self._woken = asyncio.Event()
        self.earshot = Earshot(self._woken.set)

    def end(self) -> None:
        """Look at once: the message is final, as far as can be heard."""
        self._has_ended = True
        self._woken.set()

    async def is_time_to_look(self, deadline: float) -> bool:
        """Wait for something to tell, or to look for; say whether to look."""
        look_at = min(self._next_look, deadline)
        with suppress(TimeoutError):
            async with timeout_at(look_at):
                await self._woken.wait()
        self._woken.clear()
        if not self._has_ended and _time() < look_at:
            return False
        self._has_ended = False
        self._next_look = _time() + self._look_every
        return True


def _time() -> float:
    return asyncio.get_running_loop().time()
