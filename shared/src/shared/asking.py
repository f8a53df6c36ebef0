"""The asking side of the bus: a question is put twice at most, both times as one.

It carries its own id, the id of the request it belongs to, and the time until which its
asker waits: after that it is not begun any more (`answering`). The second time it has
the same id, by which the answerer keeps recent answers, so the act is not repeated.
Answers that failed come back as the error they were raised as.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import ValidationError
from structlog.contextvars import get_contextvars

from .bus_wire import (
    ASK_ID,
    EXPIRES_AT,
    FAILED,
    REQUEST_ID,
    SECONDS_LEFT,
    error_in,
    expiry,
)
from .clock import utc_now
from .contracts.base import Endpoint, ReplyT, RequestT
from .errors import AppError, UnavailableError
from .ids import new_id
from .nats_client import require_connection
from .question_spans import asking_span, trace_headers
from .timeouts import timeout

__all__ = ["put"]

_RETRY_AFTER_SECONDS = 2.0
_PAUSE_BEFORE_RETRY_SECONDS = 0.2


async def put(
    client: Client, endpoint: Endpoint[RequestT, ReplyT], payload: bytes
) -> ReplyT:
    """Put a question, and read its answer.

    Raises what the answerer raised, `UnavailableError` if nobody answers in time.
    """
    with asking_span(endpoint.subject):
        return _reply_in(await _answer_to(client, endpoint, payload), endpoint)


async def _answer_to(
    client: Client, endpoint: Endpoint[Any, Any], payload: bytes
) -> Msg:
    try:
        async with timeout(endpoint.deadline.total_seconds()):
            return await _asked_twice(client, endpoint, payload)
    except (TimeoutError, nats.errors.Error, OSError) as error:
        raise UnavailableError(
            f"{_answerer(endpoint.subject)} does not answer right now.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error


async def _asked_twice(
    client: Client, endpoint: Endpoint[Any, Any], payload: bytes
) -> Msg:
    seconds = endpoint.deadline.total_seconds()
    question = _Question(
        endpoint.subject,
        payload,
        until=_time() + seconds,
        expires_at=expiry(utc_now(), endpoint.deadline),
    )
    try:
        return await _asked(client, question, patience=seconds / 2)
    except (TimeoutError, nats.errors.Error):
        await asyncio.sleep(_PAUSE_BEFORE_RETRY_SECONDS)
    return await _asked(client, question, patience=seconds)


async def _asked(client: Client, question: "_Question", *, patience: float) -> Msg:
    require_connection(client)
    return await client.request(
        question.subject,
        question.payload,
        timeout=patience,
        headers=question.headers(),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """A question as it is put, with one id however often.

    It is waited for *until* a loop time, and worked on until it *expires_at*.
    """

    subject: str
    payload: bytes
    until: float
    expires_at: datetime
    id: UUID = field(default_factory=new_id)

    def headers(self) -> dict[str, str]:
        headers = {
            ASK_ID: str(self.id),
            SECONDS_LEFT: f"{self.until - _time():.3f}",
            EXPIRES_AT: f"{self.expires_at.timestamp():.3f}",
            **trace_headers(),
        }
        if request_id := get_contextvars().get("request_id"):
            headers[REQUEST_ID] = str(request_id)
        return headers


def _reply_in(message: Msg, endpoint: Endpoint[RequestT, ReplyT]) -> ReplyT:
    """Read an answer; one that is none of ours is a bug on the other side."""
    try:
        if FAILED in (message.headers or {}):
            raise error_in(message.data)
        return endpoint.reply.model_validate_json(message.data)
    except ValidationError as error:
        raise AppError(
            f"{_answerer(endpoint.subject)} gave an answer that cannot be read."
        ) from error


def _time() -> float:
    return asyncio.get_running_loop().time()


def _answerer(subject: str) -> str:
    return "The " + subject.partition(".")[0].replace("_", "-") + " service"
