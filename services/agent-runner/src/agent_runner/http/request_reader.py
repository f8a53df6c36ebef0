"""Reads requests out of the bytes that come over one connection."""

from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from shared.errors import AppError, HeadTooLargeError, MalformedError

from .body_parser import body_parser
from .exchange import Exchange
from .known_head import KnownHead
from .limits import Limits
from .messages import Fields, RequestHead, value_of
from .request_rules import check_fields, check_version

__all__ = ["RequestReader", "Requests"]

# "GET / HTTP/1.1\r\n": what is shorter says too little of where it goes.
_SHORTEST_REQUEST_LINE_BYTES = 16


class Requests(Protocol):
    """Who hears of requests while they are read: the connection."""

    def begin(self) -> None:
        """Hear that a request begins; raises `UnavailableError` for one too many."""

    def take(
        self,
        head: RequestHead,
        *,
        content_length: int,
        expects_continue: bool = False,
        is_chunked: bool = True,
        is_last: bool = False,
    ) -> Exchange:
        """Make the exchange of a request whose head was read; its body goes there."""
        ...

    def receive(self, exchange: Exchange) -> None:
        """Hear that the request of *exchange* is whole."""


class RequestReader:
    """*reached_at* is our address that the connection came in on.

    What it calls of *requests* happens while it reads.
    """

    __slots__ = (
        "_content_length",
        "_fault",
        "_fields",
        "_has_head",
        "_head",
        "_head_bytes",
        "_known",
        "_limits",
        "_parser",
        "_reached_at",
        "_repeatable",
        "_requests",
        "_start",
        "_target",
        "_unclear_bytes",
        "arriving",
        "is_between",
    )

    def __init__(self, requests: Requests, limits: Limits, *, reached_at: str) -> None:
        self.arriving: Exchange | None = None
        """That of the request whose body is being read."""
        self.is_between = True
        """Whether no request has begun since the last one was whole."""
        self._requests = requests
        self._limits = limits
        self._reached_at = reached_at
        self._parser = HttpRequestParser(self)
        self._start = b""
        """The beginning of a request that says too little of where it goes."""
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._content_length = 0
        self._head: RequestHead | None = None
        """That of the last request."""
        self._known: KnownHead | None = None
        self._repeatable: RequestHead | None = None
        """The head that was read last, if the next request may begin like it."""
        self._has_head = False
        self._head_bytes = 0
        self._unclear_bytes = 0
        """What has come since a head or a part of a body was whole."""
        self._fault: AppError | None = None

    @property
    def unread_head(self) -> RequestHead:
        """What is known of a request whose head was not read to its end."""
        return RequestHead(b"", self._target, (), self._reached_at)

    def beginning(self, data: bytes) -> bytes:
        """Give what a request begins with; b"" as long as it says too little."""
        data = self._start + data
        is_little = len(data) < _SHORTEST_REQUEST_LINE_BYTES and data[:1].isupper()
        self._start = data if is_little else b""
        return b"" if is_little else data

    def read_first(self, data: bytes) -> None:
        """Read what begins a request while no other is in hand; raises as `read`."""
        known = self._known
        body = known.body_in(data) if known is not None else None
        if known is not None and body is not None:
            self.arriving = self._requests.take(known.head, content_length=len(body))
            self.arriving.take(body)
            self._complete(self.arriving)
            return
        self._repeatable = None
        self.read(data)
        self._known = self._learnt(data)

    def read(self, data: bytes) -> None:
        """Read on; raises `AppError` for what is no request, or none that is taken.

        Nothing can be read after that.
        """
        self._unclear_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as stop:
            self._parser = body_parser(self, self._fields, self._content_length)
            self.read(data[stop.args[0] :])
            return
        except HttpParserError as error:
            raise (
                self._fault or MalformedError(f"This is not a request: {error}.")
            ) from None
        if self._unclear_bytes > self._limits.longest_head_bytes:
            raise HeadTooLargeError("The request's head is too large.")

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._target, self._fields, self._has_head = b"", [], False
        self._head_bytes = self._content_length = 0
        self.is_between = False
        try:
            self._requests.begin()
        except AppError as error:
            self._raise(error)

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._limits.longest_target_bytes:
            self._raise(HeadTooLargeError("The request's target is too long."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self._limits.longest_head_bytes:
            self._raise(HeadTooLargeError("The request's head is too large."))
        if self._has_head:  # a trailer, of which nothing is used
            return
        name = name.lower()
        if name == b"content-length":
            self._content_length = int(value)
            return
        self._fields.append((name, value.strip(b" \t")))
        if len(self._fields) > self._limits.most_fields:
            self._raise(HeadTooLargeError("The request has too many fields."))

    def on_headers_complete(self) -> None:
        self._has_head = True
        self._unclear_bytes = 0
        try:
            self.arriving = self._taken()
        except AppError as error:
            self._raise(error)

    def on_body(self, body: bytes) -> None:
        if self.arriving is not None:
            self._unclear_bytes = 0
            self.arriving.take(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # its body was left for the other protocol to read
        self.is_between = True
        self._unclear_bytes = 0
        if self.arriving is not None:
            self._complete(self.arriving)

    def _complete(self, exchange: Exchange) -> None:
        exchange.receive()
        self._requests.receive(exchange)
        self.arriving = None

    def _raise(self, error: AppError) -> None:
        """Make the parser stop: it says no more than that a callback raised."""
        self._fault = error
        raise error

    def _taken(self) -> Exchange:
        """Have the request taken whose head was read; raises `MalformedError`."""
        version = self._parser.get_http_version()
        check_version(version)
        fields: Fields = self._fields
        check_fields(fields, version=version)
        is_persistent = version == "1.1" and self._parser.should_keep_alive()
        head = self._repeated(self._parser.get_method())
        exchange = self._requests.take(
            head,
            content_length=self._content_length,
            expects_continue=version == "1.1" and bool(value_of(fields, b"expect")),
            is_chunked=version == "1.1",
            is_last=not is_persistent or self._parser.should_upgrade(),
        )
        if not (exchange.is_last or exchange.expects_continue):
            self._repeatable = head
        return exchange

    def _repeated(self, method: bytes) -> RequestHead:
        """Give the head of the last request again, if this one is the same."""
        head, fields = self._head, self._fields
        is_same = (
            head is not None
            and head.target == self._target
            and head.fields == fields
            and head.method == method
        )
        if head is None or not is_same:
            head = RequestHead(method, self._target, fields, self._reached_at)
            self._head = head
        return head

    def _learnt(self, data: bytes) -> KnownHead | None:
        """Learn a head from what was just read, if the next request may begin so."""
        head = self._repeatable
        if head is None or not self.is_between:
            return None
        return KnownHead.read_in(data, head)
