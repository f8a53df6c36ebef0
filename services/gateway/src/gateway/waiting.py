"""Waiting for the answer to a message: woken by a signal, certain by the record."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from shared.bus import Bus
from shared.contracts.agent_runner import (
    GET_MESSAGE,
    MESSAGE_FINISHED,
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageQuestion,
    SubmitMessage,
)
from shared.errors import UnavailableError

__all__ = ["WaitingRoom"]

log = structlog.get_logger(__name__)


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
        submission: SubmitMessage,
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
                message = await self._bus.ask(SUBMIT_MESSAGE, submission)
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
        self, message: AgentMessage, submission: SubmitMessage
    ) -> AgentMessage:
        """Read the record; while nobody can, what we know stands."""
        question = MessageQuestion(
            org_id=submission.org_id,
            actor=submission.actor,
            message_id=submission.message_id,
        )
        try:
            return await self._bus.ask(GET_MESSAGE, question)
        except UnavailableError:
            log.info("message.not_looked_up", message=str(submission.message_id))
            return message


def _time() -> float:
    return asyncio.get_running_loop().time()
