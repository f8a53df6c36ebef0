"""One request and the answer to it, as an application sees them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from shared.errors import AppError, TooLargeError
from shared.tracing import Span

from .limits import Capacity
from .messages import Fields, Reply, RequestHead, encode_fields, status_line, value_of

__all__ = [
    "Application",
    "Direct",
    "Exchange",
    "InCallbacks",
    "Serve",
    "Way",
    "in_a_task",
]

_LAST_CHUNK = b"0\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_CONTENT = frozenset({204, 304})


class Application(Protocol):
    """What answers requests."""

    async def serve(self, exchange: "Exchange") -> None:
        """Answer *exchange*; cancelled when its client goes away.

        What it has not ended by its return is cut.
        """

    def refusal(self, error: AppError, head: RequestHead | None) -> Reply:
        """Word *error* for the path of *head*; None for what was no request."""


class Direct(Protocol):
    """Who answers one exchange in callbacks, without a task of its own."""

    def go(self) -> None:
        """Answer: the request is whole. Ends in `Exchange.finish` or `serve`."""

    def leave(self) -> None:
        """Give up, begun or not: the client has gone away."""


InCallbacks = Callable[["Exchange"], Direct | None]
"""Names who answers a request without a task, by its head alone; None: a task does."""


def in_a_task(_: "Exchange") -> None:
    """Let every request have a task."""


Serve = Callable[[], Coroutine[None, None, None]]
"""Answers what is left to answer of an exchange."""


class Way(Protocol):
    """The way back to the client: the connection, as an exchange needs it."""

    def send(self, data: bytes) -> None:
        """Write *data* behind what was written before."""

    def send_whole(self, data: bytes) -> None:
        """Write *data*, which is an answer from its first byte to its last."""

    async def until_read(self) -> None:
        """Wait while the client does not read what was sent."""

    def once_read(self, go_on: Callable[[], None]) -> bool:
        """Call *go_on* when the client has read most; or say that it has already."""

    def date(self) -> bytes:
        """Give the value of a `Date` field, now."""

    def serve(self, exchange: "Exchange", serve: Serve | None) -> None:
        """Let a task answer what is answered in callbacks until now."""

    def finish(self, exchange: "Exchange") -> None:
        """Go on to the next request, once the client has read this answer."""


class Exchange:
    """Exactly one answer, whole (`reply`) or in pieces (`begin`, `write`, `end`)."""

    __slots__ = (
        "_arrived",
        "_capacity",
        "_failure",
        "_held_bytes",
        "_longest_body_bytes",
        "_waiter",
        "_way",
        "content_length",
        "expects_continue",
        "has_begun",
        "has_ended",
        "head",
        "is_chunked",
        "is_last",
        "is_received",
        "refused",
        "span",
        "status",
    )

    def __init__(
        self,
        head: RequestHead,
        *,
        way: Way,
        capacity: Capacity,
        longest_body_bytes: int,
        content_length: int,
        expects_continue: bool,
        is_chunked: bool,
        is_last: bool,
    ) -> None:
        """*is_last*: the connection ends with this exchange.

        *is_chunked*: the client takes an answer in chunks, as HTTP/1.0 does not.
        """
        self.head = head
        self.content_length = content_length
        self.expects_continue = expects_continue
        self.is_chunked = is_chunked
        self.is_last = is_last
        self.is_received = False
        self.refused: AppError | None = None
        """Why it is not even asked of the application."""
        self.has_begun = False
        self.has_ended = False
        self.status: int | None = None
        """Which the answer has, once it has begun."""
        self.span: Span | None = None
        """What is told of it, once somebody has begun to."""
        self._way = way
        self._capacity = capacity
        self._longest_body_bytes = longest_body_bytes
        self._arrived: list[bytes] = []
        self._held_bytes = 0
        self._failure: AppError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def body(self) -> bytes:
        """Read the request to its end.

        Raises `TooLargeError`, `UnavailableError` where too much is held already, and
        `MalformedError` for a body that is none or does not come.
        """
        if self.content_length > self._longest_body_bytes:
            raise self._too_large()
        if not self.is_received and self._failure is None:
            if self.expects_continue and not self._arrived:
                self._way.send(_CONTINUE)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._failure is not None:
            raise self._failure
        return b"".join(self._arrived)

    @property
    def received_body(self) -> bytes:
        """The body of a request that `is_received`."""
        arrived = self._arrived
        return arrived[0] if len(arrived) == 1 else b"".join(arrived)

    @property
    def has_failed(self) -> bool:
        """Whether the body will never be whole."""
        return self._failure is not None

    def hold(self, size: int) -> None:
        """Count *size* bytes that are kept in memory until the exchange is over.

        Raises `UnavailableError` where all exchanges together keep too much.
        """
        self._capacity.hold(size)
        self._held_bytes += size

    async def reply(self, reply: Reply) -> None:
        """Answer with *reply*, and wait until the client has read most of it."""
        self.answer(reply)
        await self._way.until_read()

    def answer(self, reply: Reply) -> None:
        """Answer with *reply*, without waiting for the client."""
        fields, body = reply.fields, reply.body
        if reply.status in _NO_CONTENT:
            body = b""
        else:
            fields = [*fields, (b"content-length", b"%d" % len(body))]
        head = self._head(reply.status, fields)
        self.has_begun = self.has_ended = True
        self._way.send_whole(head if self.head.method == b"HEAD" else head + body)

    def begin(self, status: int, fields: Fields) -> None:
        """Begin an answer whose length is not known."""
        if self.is_chunked:
            fields = [*fields, (b"transfer-encoding", b"chunked")]
        else:
            self.is_last = True
        head = self._head(status, fields)
        self.has_begun = True
        self._way.send(head)

    async def write(self, data: bytes) -> None:
        """Send the next bytes, and wait while the client does not read."""
        self.send(data)
        await self._way.until_read()

    async def until_read(self) -> None:
        """Wait while the client does not read what was sent."""
        await self._way.until_read()

    def send(self, data: bytes) -> None:
        """Send the next bytes, without waiting for the client."""
        if data:
            self._way.send(
                b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked else data
            )

    def once_read(self, go_on: Callable[[], None]) -> bool:
        """Call *go_on* when the client has read most; or say that it has already."""
        return self._way.once_read(go_on)

    def serve(self, serve: Serve | None = None) -> None:
        """Let a task answer, as if from the start, or go on with *serve*.

        For who answers in callbacks and cannot go on so.
        """
        self._way.serve(self, serve)

    def finish(self) -> None:
        """Be over; for who answers in callbacks. What has not ended is cut."""
        self._way.finish(self)

    def end(self) -> None:
        """Say that the answer is whole."""
        self.has_ended = True
        if self.is_chunked:
            self._way.send(_LAST_CHUNK)

    def take(self, data: bytes) -> None:
        """Hold the next bytes of the body; for the connection."""
        if self._failure is not None:
            return
        if self._held_bytes + len(data) > self._longest_body_bytes:
            self.fail(self._too_large())
            return
        try:
            self.hold(len(data))
        except AppError as error:
            self.fail(error)
            return
        self._arrived.append(data)

    def fail(self, error: AppError) -> None:
        """Say why the body will never be whole; for the connection."""
        self._failure = self._failure or error
        self.close()
        self._wake()

    def receive(self) -> None:
        """Take the body for whole; for the connection."""
        self.is_received = True
        self._wake()

    def close(self) -> None:
        """Give back what it held; for the connection."""
        self._arrived.clear()
        self._capacity.let_go(self._held_bytes)
        self._held_bytes = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _head(self, status: int, fields: Fields) -> bytes:
        if not value_of(fields, b"date"):
            fields = [*fields, (b"date", self._way.date())]
        self.status = status
        # What still comes of the body is not read to find the next request behind it.
        self.is_last = self.is_last or not self.is_received
        if self.is_last:
            fields = [*fields, (b"connection", b"close")]
        return status_line(status) + encode_fields(fields) + b"\r\n"

    def _too_large(self) -> TooLargeError:
        return TooLargeError("The body is too large.")
