"""What the agent does: take a message, ask the model, tell the reply, again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from .errors import (
    MessageGoneError,
    ModelCallError,
    ReplyInterruptedError,
    ReplyRefusedError,
    RunnerLostError,
)
from .models import Model
from .protocol import Completed, Failed, Message, Outcome, Problem, Runner
from .stopping import Stop
from .tool_rounds import answer

__all__ = ["Agent"]

log = logging.getLogger(__name__)

_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One message at a time, for as long as nobody asks to stop.

    A message in hand has *grace* to be finished then; what cannot be is left to the
    runner, which repeats it to the next agent.
    """

    runner: Runner
    model: Model
    stop: Stop
    grace: timedelta = timedelta(seconds=25)
    heartbeat_every: timedelta = timedelta(seconds=10)

    async def work(self) -> None:
        """Answer messages until stopping is requested.

        Raises `StoppedError` if that ended a wait or left a message, and the
        `AgentError` that ends an agent.
        """
        while not self.stop.is_requested:
            async with self.stop.allowing(_AT_ONCE):
                message = await self.runner.next_message()
            if message is not None:
                async with self.stop.allowing(self.grace):
                    await self._answer_or_leave(message)

    async def _answer_or_leave(self, message: Message) -> None:
        """Answer, until somebody says that nobody wants the answer any more."""
        try:
            async with self._heartbeats(message.message_id):
                await self._answer(message)
        except MessageGoneError:
            log.warning("message.gone message_id=%s", message.message_id)

    @asynccontextmanager
    async def _heartbeats(self, message_id: UUID) -> AsyncIterator[None]:
        """Send heartbeats beside the block, whose failure comes out as it went in."""
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(self._beat(message_id))
                yield
                beating.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _beat(self, message_id: UUID) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_every.total_seconds())
            # The reply is the one who has to get through, and says so if it cannot.
            with suppress(RunnerLostError):
                await self.runner.heartbeat(message_id)

    async def _answer(self, message: Message) -> None:
        log.info("message.taken message_id=%s", message.message_id)
        async with aclosing(answer(self.model, self.runner, message)) as pieces:
            outcome = await self._tell_or_fail(message.message_id, _Reply(pieces))
        log.info("message.%s message_id=%s", outcome.status, message.message_id)

    async def _tell_or_fail(self, message_id: UUID, reply: "_Reply") -> Outcome:
        try:
            return await self._tell(message_id, reply)
        except ReplyRefusedError as error:
            refused = _failed("REPLY_REFUSED", error)
            await self.runner.reply(message_id, refused)
            return refused

    async def _tell(self, message_id: UUID, reply: "_Reply") -> Outcome:
        """Tell the reply as it grows, or whole if that broke off."""
        try:
            await self.runner.stream_reply(message_id, reply.growing())
        except ReplyInterruptedError:
            await self.runner.reply(message_id, await reply.finished())
        return await reply.finished()


class _Reply:
    """A reply as it grows: read from the model once, told as often as it takes."""

    def __init__(self, pieces: AsyncIterator[str]) -> None:
        self._pieces = pieces
        self._text: list[str] = []
        self._failed: Failed | None = None

    async def growing(self) -> AsyncIterator[str | Outcome]:
        """Give what the model has yet to say, piece by piece, and the outcome last."""
        try:
            async for piece in self._pieces:
                self._text.append(piece)
                yield piece
        except ModelCallError as error:
            self._failed = _failed(error.code, error)
        yield self._outcome()

    async def finished(self) -> Outcome:
        """Wait for the model to say the rest."""
        async for _ in self.growing():
            pass
        return self._outcome()

    def _outcome(self) -> Outcome:
        return self._failed or Completed(content="".join(self._text))


def _failed(code: str, error: Exception) -> Failed:
    return Failed(error=Problem(code=code, message=str(error)))
