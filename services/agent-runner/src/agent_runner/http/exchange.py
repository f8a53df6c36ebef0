"""One request and the answer to it, as an application sees them."""

import asyncio
from typing import Protocol

from shared.errors import AppError, TooLargeError

from .limits import Capacity
from .messages import Fields, Reply, RequestHead, encode_fields, status_line, value_of

__all__ = ["Application", "Exchange", "Way"]

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


class Way(Protocol):
    """The way back to the client: the connection, as an exchange needs it."""

    def send(self, data: bytes) -> None:
        """Write *data* behind what was written before."""

    async def until_read(self) -> None:
        """Wait while the client does not read what was sent."""

    def date(self) -> bytes:
        """Give the value of a `Date` field, now."""


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
        self._way.send(head if self.head.method == b"HEAD" else head + body)

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
        if data:
            self._way.send(
                b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked else data
            )
        await self._way.until_read()

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
        self._let_go()
        self._wake()

    def receive(self) -> None:
        """Take the body for whole; for the connection."""
        self.is_received = True
        self._wake()

    def close(self) -> None:
        """Give back what it held; for the connection."""
        self._let_go()

    def _let_go(self) -> None:
        self._arrived.clear()
        self._capacity.let_go(self._held_bytes)
        self._held_bytes = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _head(self, status: int, fields: Fields) -> bytes:
        if not value_of(fields, b"date"):
            fields = [*fields, (b"date", self._way.date())]
        # What still comes of the body is not read to find the next request behind it.
        self.is_last = self.is_last or not self.is_received
        if self.is_last:
            fields = [*fields, (b"connection", b"close")]
        return status_line(status) + encode_fields(fields) + b"\r\n"

    def _too_large(self) -> TooLargeError:
        return TooLargeError("The body is too large.")
