"""The answering side of the bus: each question in a task, each answered once.

What its asker does not wait for any more is not begun, and what was begun ends when its
asker stops waiting: who was told 503 must not find the act done later, because we stood
still with the question in a buffer. The clocks of two machines may differ, hence the
`CLOCK_TOLERANCE` of `bus_wire`. If ours is slower by more, an act may come late; if it
is faster by more than a question lasts, we answer none and say so.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import ValidationError
from structlog.contextvars import bound_contextvars

from .bus_wire import (
    ASK_ID,
    EXPIRES_AT,
    FAILED,
    REQUEST_ID,
    SECONDS_LEFT,
    failure_of,
    payload_limit,
)
from .clock import utc_now
from .contracts.base import Empty, Endpoint, Message, ReplyT, RequestT
from .errors import AppError, InvalidError, UnavailableError
from .http import fields_of
from .question_spans import answering_span
from .tally import OK, Tally
from .timeouts import timeout

__all__ = ["Answer", "Desk", "answer", "answer_ping"]

log = structlog.get_logger(__name__)

_IN_FLIGHT_PER_ENDPOINT = 200
_TOO_LARGE = (
    "The answer is too large for one message on the bus; ask for fewer at a time."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An endpoint with the function that answers it."""

    endpoint: Endpoint[Any, Any]
    handler: Callable[[Any], Awaitable[Message]]

    async def to(self, payload: bytes) -> bytes:
        try:
            request = self.endpoint.request.model_validate_json(payload)
        except ValidationError as error:
            raise InvalidError(
                "The question has invalid fields.", details={"fields": fields_of(error)}
            ) from None
        reply = await self.handler(request)
        return reply.model_dump_json().encode()


def answer(
    endpoint: Endpoint[RequestT, ReplyT],
    handler: Callable[[RequestT], Awaitable[ReplyT]],
) -> Answer:
    """Pair *endpoint* with *handler*; the type checker sees that they fit."""
    return Answer(endpoint, handler)


async def answer_ping(_: Empty) -> Empty:
    """Answer `PING`: questions to this service are answered."""
    return Empty()


@dataclass
class Desk:
    """Answers one endpoint: each question in a task of its own, repeats from memory.

    nats-py hands messages to a callback one after another, hence the tasks.
    """

    client: Client
    answer: Answer
    in_flight: asyncio.TaskGroup
    tally: Tally
    slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_IN_FLIGHT_PER_ENDPOINT)
    )
    answers: "dict[str, asyncio.Task[tuple[bytes, bool]]]" = field(default_factory=dict)

    async def accept(self, message: Msg) -> None:
        await self.slots.acquire()
        task = self.in_flight.create_task(self._respond(message))
        task.add_done_callback(lambda _: self.slots.release())

    async def _respond(self, message: Msg) -> None:
        headers = message.headers or {}
        payload, is_failure = await self._answered(message, headers)
        if len(payload) > payload_limit(self.client):
            log.error("answer.too_large", subject=message.subject, bytes=len(payload))
            payload, is_failure = _told(AppError(_TOO_LARGE)), True
        try:
            await self.client.publish(
                message.reply,
                payload,
                headers={FAILED: "1"} if is_failure else None,
            )
        except (nats.errors.Error, OSError):
            log.warning("answer.lost", subject=message.subject)

    async def _answered(
        self, message: Msg, headers: dict[str, str]
    ) -> tuple[bytes, bool]:
        ask_id = headers.get(ASK_ID, "")
        task = self.answers.get(ask_id)
        if task is None:
            task = self.in_flight.create_task(self._counted(message, headers))
            self._keep(ask_id, task)
        return await asyncio.shield(task)

    def _keep(self, ask_id: str, task: "asyncio.Task[tuple[bytes, bool]]") -> None:
        """Remember the answer for as long as its asker can ask again."""
        if not ask_id:
            return
        self.answers[ask_id] = task
        seconds = self.answer.endpoint.deadline.total_seconds()
        asyncio.get_running_loop().call_later(seconds, self.answers.pop, ask_id, None)

    async def _counted(
        self, message: Msg, headers: dict[str, str]
    ) -> tuple[bytes, bool]:
        begun = time.perf_counter()
        payload, error = await self._answer(message, headers)
        self.tally.count(
            self.answer.endpoint.subject,
            error.code if error else OK,
            seconds=time.perf_counter() - begun,
        )
        return (_told(error), True) if error else (payload, False)

    async def _answer(
        self, message: Msg, headers: dict[str, str]
    ) -> tuple[bytes, AppError | None]:
        context = {"subject": message.subject}
        if request_id := headers.get(REQUEST_ID):
            context["request_id"] = request_id
        with bound_contextvars(**context):
            try:
                with answering_span(message.subject, headers):
                    async with timeout(_patience(headers, self.answer)):
                        return await self.answer.to(message.data), None
            except AppError as error:
                return b"", error
            except TimeoutError:
                log.warning("question.expired")
                return b"", UnavailableError("The answer took too long.")
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                log.exception("question.failed")
                return b"", AppError()
            except Exception:
                log.exception("question.failed")
                return b"", AppError()


def _told(error: AppError) -> bytes:
    """Put a failure into bytes, and be it one that cannot be: an answer is owed."""
    try:
        return failure_of(error)
    except ValueError:
        log.exception("failure.unspeakable")
        return failure_of(AppError())


def _patience(headers: dict[str, str], answer: Answer) -> float:
    """Return the seconds we have: until the asker goes, and as the contract gives.

    Raises `UnavailableError` if the asker has gone.
    """
    limit = answer.endpoint.deadline.total_seconds()
    left = _number(headers, SECONDS_LEFT)
    patience = left if left is not None and 0 <= left <= limit else limit
    expires_at = _number(headers, EXPIRES_AT)
    if expires_at is None:
        return patience
    until_expiry = expires_at - utc_now().timestamp()
    if until_expiry <= 0:
        log.warning("question.came_late", seconds=round(-until_expiry, 3))
        raise UnavailableError(
            "The question came too late. If this lasts, compare the machines' clocks."
        )
    return min(patience, until_expiry)


def _number(headers: dict[str, str], name: str) -> float | None:
    try:
        number = float(headers[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _is_cancelled() -> bool:
    """Tell our own cancellation from that of something the answer waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
