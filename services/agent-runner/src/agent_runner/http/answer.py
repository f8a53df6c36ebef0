"""The answer to one request of ours, read as it comes."""

import asyncio
from typing import Protocol

from .decoding import Decoding, decoding_of
from .errors import BrokenAnswerError
from .messages import Fields, value_of

__all__ = ["Answer", "Receiver", "Source"]

_HIGH_WATER_BYTES = 64 * 1024


class Source(Protocol):
    """Where an answer comes from: the connection, as an answer needs it."""

    def pause(self) -> None:
        """Read no more until told."""

    def resume(self) -> None:
        """Read on."""


class Receiver(Protocol):
    """Who takes an answer as it comes from its connection."""

    is_received: bool
    """Whether all of it has come, read or not."""

    def begin(self, status: int, fields: Fields) -> None:
        """Take the head."""

    def take(self, data: bytes) -> None:
        """Take the next bytes of the body."""

    def turn(self) -> None:
        """Go on: all that one read brought has been told, and more will come."""

    def receive(self) -> None:
        """Take it for whole."""

    def fail(self, failure: OSError) -> None:
        """Hear why no more will come."""


class Answer:
    """A status and fields once `head` has returned, then a body."""

    __slots__ = (
        "_arrived",
        "_arrived_bytes",
        "_decoding",
        "_failure",
        "_is_paused",
        "_source",
        "_waiter",
        "fields",
        "is_received",
        "status",
    )

    def __init__(self, source: Source) -> None:
        self.status = 0
        self.fields: Fields = ()
        self.is_received = False
        """Whether all of it has come, read or not."""
        self._source = source
        self._arrived: list[bytes] = []
        self._arrived_bytes = 0
        self._decoding: Decoding | None = None
        self._failure: OSError | None = None
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    async def head(self) -> None:
        """Wait for the status and the fields; raises what `read` does."""
        while not self.status:
            await self._more()
        self._decoding = decoding_of(value_of(self.fields, b"content-encoding"))

    async def read(self) -> bytes:
        """Give what has come since, as soon as something has; b"" at the end.

        What came before a failure is given first. Raises `BrokenAnswerError`,
        `MalformedAnswerError` and `SilentError`.
        """
        if self._decoding is None:
            return await self._read()
        data = b""
        while not data and not self._decoding.is_whole:
            encoded = b"" if self._decoding.has_more else await self._read()
            data = self._decoding.feed(encoded)
            if not (data or encoded):
                raise BrokenAnswerError("the body ended before its encoding did")
        return data

    # What the connection calls (`Receiver`).

    def begin(self, status: int, fields: Fields) -> None:
        self.status, self.fields = status, fields

    def take(self, data: bytes) -> None:
        self._arrived.append(data)
        self._arrived_bytes += len(data)
        if self._arrived_bytes > _HIGH_WATER_BYTES and not self._is_paused:
            self._is_paused = True
            self._source.pause()

    def turn(self) -> None:
        self._wake()

    def receive(self) -> None:
        self.is_received = True
        self._wake()

    def fail(self, failure: OSError) -> None:
        self._failure = failure
        self._wake()

    async def _read(self) -> bytes:
        while not self._arrived:
            if self.is_received:
                return b""
            await self._more()
        arrived = self._arrived
        data = arrived[0] if len(arrived) == 1 else b"".join(arrived)
        arrived.clear()
        self._arrived_bytes = 0
        if self._is_paused:
            self._is_paused = False
            self._source.resume()
        return data

    async def _more(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
