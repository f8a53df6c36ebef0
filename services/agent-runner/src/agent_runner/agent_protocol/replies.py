"""An agent's answer on the wire: one JSON object, or lines that end with one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from shared.contracts.conversations import MessageStatus
from shared.errors import InvalidError, MalformedError, TooLargeError
from shared.http import fields_of

__all__ = ["Reply", "replied"]

_LONGEST_PROBLEM_CHARACTERS = 2000
_LONGEST_REPLY_BYTES = 512 * 1024
"""As JSON: what is told over the bus must fit into one message of it."""
_LONGEST_BODY_BYTES = 8 * 1024 * 1024
_LINES = "application/x-ndjson"


class ReplyFailure(BaseModel):
    """Why an agent could not answer; *code* is its own name for it."""

    model_config = ConfigDict(extra="ignore")

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    message: Annotated[
        str, AfterValidator(lambda text: text[:_LONGEST_PROBLEM_CHARACTERS])
    ]


class Reply(BaseModel):
    """The last word on a message."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    status: Literal[MessageStatus.COMPLETED, MessageStatus.FAILED]
    content: str = ""
    error: ReplyFailure | None = None


class Delta(BaseModel):
    """The next piece of a reply."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    delta: str


async def replied(
    request: web.Request, tell: Callable[[str], Awaitable[None]]
) -> Reply:
    """Read an answer as it comes, and *tell* any number of pieces; return the reply.

    A line that is neither is passed over: what a model said may hold what JSON may not.
    Raises `InvalidError` if there is no reply in the end, or one that is too long.
    """
    last = b""
    async for line in _lines(request):
        if delta := _delta(line):
            await tell(delta.delta)
            last = b""
        else:
            last = line
    return _reply(last)


async def _lines(request: web.Request) -> AsyncIterator[bytes]:
    """Give the lines that hold something; a body that is no lines is one of them."""
    splits = request.content_type == _LINES
    pending, size = bytearray(), 0
    async for data in _content(request):
        size += len(data)
        if size > _LONGEST_BODY_BYTES:
            raise TooLargeError("The reply is too long.")
        pending.extend(data)
        if splits and b"\n" in data:
            *lines, pending = pending.split(b"\n")
            for line in lines:
                if line.strip():
                    yield bytes(line)
    if pending.strip():
        yield bytes(pending)


async def _content(request: web.Request) -> AsyncIterator[bytes]:
    try:
        async for data in request.content.iter_any():
            yield data
    except (web.RequestPayloadError, ConnectionError):
        raise MalformedError("The body cannot be read.") from None


def _delta(line: bytes) -> Delta | None:
    try:
        return Delta.model_validate_json(line)
    except ValidationError:
        return None


def _reply(line: bytes) -> Reply:
    try:
        reply = Reply.model_validate_json(line)
    except ValidationError as error:
        raise InvalidError(
            "This is not an answer.", details={"fields": fields_of(error)}
        ) from None
    if len(reply.model_dump_json(include={"content"}).encode()) > _LONGEST_REPLY_BYTES:
        raise InvalidError("The reply is too long.")
    return reply
