"""One connection to a server: a request, its answer, and then perhaps the next."""

import asyncio
import select
from collections.abc import Callable
from http import HTTPStatus
from itertools import chain
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .answer import Receiver
from .deadlines import NEVER, Deadlines
from .errors import (
    BrokenAnswerError,
    ConnectingFailedError,
    MalformedAnswerError,
    SilentError,
)
from .messages import Fields, value_of, values_of
from .turn import Outgoing, Turn

__all__ = ["ClientConnection"]

_FINAL = int(HTTPStatus.OK)
_LONGEST_HEAD_BYTES = 64 * 1024
_MOST_FIELDS = 256
_MOST_INTERIM_ANSWERS = 16
_WITHOUT_BODY = frozenset({204, 304})
_LARGE_BODY_BYTES = 64 * 1024
# Until then the event loop may not have heard yet that the server has gone.
_SURELY_FRESH_SECONDS = 0.5


class ClientConnection(asyncio.Protocol):
    """Asks one thing at a time; whoever asks reads the answer or aborts."""

    __slots__ = (
        "_answer",
        "_deadlines",
        "_fields",
        "_forget",
        "_has_head",
        "_idle_since",
        "_interim_answers",
        "_is_interim",
        "_is_persistent",
        "_is_whole",
        "_loop",
        "_outgoing",
        "_parser",
        "_pieces",
        "_silence_seconds",
        "_transport",
        "_turn",
        "_unclear_bytes",
        "deadline",
        "ends_by_closing",
        "on_body",
    )

    def __init__(
        self,
        *,
        deadlines: Deadlines,
        silence_seconds: float,
        forget: "Callable[[ClientConnection], None]",
        turn: Turn,
    ) -> None:
        """*forget* is told once that it has ended."""
        self.deadline = NEVER
        self._deadlines = deadlines
        self._silence_seconds = silence_seconds
        self._forget = forget
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        """Of the body, what this read brought; the parser calls it for each chunk."""
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)
        self._answer: Receiver | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self._has_head = False
        self._unclear_bytes = 0
        """What has come since a head or a part of a body was whole."""
        self._is_interim = False
        self._interim_answers = 0
        self._is_persistent = True
        self._is_whole = False
        """Whether the answer has ended, told or not."""
        self._idle_since = 0.0
        self.ends_by_closing = False

    def ask(self, head: bytes, body: bytes, receiver: Receiver) -> None:
        """Send a request; the connection must be new, or `is_ready`.

        Raises `ConnectingFailedError` for a new one that has ended since: nobody would
        tell *receiver* of that again.
        """
        if self._transport.is_closing():
            raise ConnectingFailedError("the connection ended before it was used")
        self._answer = receiver
        self._is_whole = False
        self._interim_answers = 0
        self._expect_something()
        if len(body) < _LARGE_BODY_BYTES:
            self._outgoing.write(head + body)
        else:
            self._outgoing.write(head)
            self._outgoing.write(body)

    def hand_to(self, receiver: Receiver) -> None:
        """Let *receiver* have what still comes of the answer."""
        self._answer = receiver

    @property
    def is_ready(self) -> bool:
        """Whether a request may be sent, as far as can be known."""
        if not self._is_persistent or self._transport.is_closing():
            return False
        if self._loop.time() - self._idle_since < _SURELY_FRESH_SECONDS:
            return True
        # What is readable now is a farewell, or an answer that nobody asked for.
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def rest(self, *, seconds: float) -> bool:
        """Wait for the next request if the last one is wholly over; else abort.

        *seconds*: how long to wait. Says whether it waits.
        """
        answer, self._answer = self._answer, None
        is_over = answer is not None and answer.is_received
        if is_over and self._is_persistent and not self._transport.is_closing():
            self._idle_since = self._loop.time()
            self.deadline = self._idle_since + seconds
            self._transport.resume_reading()  # the answer may not have been read
            return True
        self._transport.abort()
        return False

    def abort(self) -> None:
        self._answer = None
        self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._outgoing = Outgoing(self._transport, self._turn)
        self._idle_since = self._loop.time()
        self._deadlines.add(self)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.is_received:
            self._is_persistent = False  # nobody asked for this
            self._transport.abort()
            return
        self._expect_something()
        self._turn.begin()
        try:
            self._parse(data)
        finally:
            self._turn.end()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_persistent = False
        self._deadlines.discard(self)
        self._forget(self)
        answer = self._answer
        if answer is None or answer.is_received:
            return
        if self.ends_by_closing and error is None:
            answer.receive()
        else:
            answer.fail(BrokenAnswerError("the connection ended early"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._answer is None or self._is_whole:
            raise MalformedAnswerError("one answer was asked for")
        self._fields, self._has_head = [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # else a trailer, of which nothing is used
            self._fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self._has_head = True
        self._check_size()
        self._unclear_bytes = 0
        status = self._parser.get_status_code()
        self._is_interim = status < _FINAL
        if self._is_interim:
            self._note_interim(status)
            return
        self._check_framing(status)
        if self._answer is not None:
            self._answer.begin(status, self._fields)

    def on_message_complete(self) -> None:
        if self._answer is None or self._is_interim:
            return
        self._is_persistent = (
            self._parser.should_keep_alive()
            # An answer that came before all was asked: the rest would be in the way.
            and self._outgoing.is_empty
        )
        self._is_whole = True

    # What an answer and the deadlines call.

    def pause(self) -> None:
        self.deadline = NEVER
        self._transport.pause_reading()

    def resume(self) -> None:
        self._expect_something()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def expire(self) -> None:
        self.deadline = NEVER
        if self._answer is not None:
            self._fail(self._answer, SilentError("nothing came for too long"))
        else:
            self._transport.close()

    def _parse(self, data: bytes) -> None:
        """Read *data*, and only then tell of it: who is told may ask again at once."""
        is_broken = False
        self._unclear_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            is_broken, self._is_persistent = True, False
        self._take_body()
        answer = self._answer
        if answer is None:
            return
        if self._is_whole:
            self.deadline = NEVER
            answer.receive()
        elif is_broken:
            self._fail(answer, MalformedAnswerError("this is no HTTP/1.1"))
        elif self._unclear_bytes > _LONGEST_HEAD_BYTES:
            self._fail(answer, MalformedAnswerError("the head is too large"))
        else:
            answer.turn()

    def _take_body(self) -> None:
        """Take what came of the body as one piece, however many chunks it came in."""
        if not self._pieces:
            return
        self._unclear_bytes = 0
        body = b"".join(self._pieces)
        self._pieces.clear()
        if self._answer is not None:
            self._answer.take(body)

    def _expect_something(self) -> None:
        self.deadline = self._loop.time() + self._silence_seconds

    def _fail(self, answer: Receiver, failure: OSError) -> None:
        answer.fail(failure)
        self.abort()

    def _note_interim(self, status: int) -> None:
        """Let 1xx pass by (RFC 9110, section 15.2), but for a change of protocol."""
        self._interim_answers += 1
        is_switch = status == HTTPStatus.SWITCHING_PROTOCOLS
        if is_switch or self._interim_answers > _MOST_INTERIM_ANSWERS:
            raise MalformedAnswerError("such an interim answer was not asked for")

    def _check_size(self) -> None:
        """Refuse a head that is too large, though the parser was fed all of it."""
        is_long = (
            self._unclear_bytes > _LONGEST_HEAD_BYTES  # head, and what came with it
            and sum(map(len, chain(*self._fields))) > _LONGEST_HEAD_BYTES
        )
        if is_long or len(self._fields) > _MOST_FIELDS:
            raise MalformedAnswerError("the head is too large")

    def _check_framing(self, status: int) -> None:
        """Refuse an answer whose end two clients could see in different places.

        Source: RFC 9112, section 6.3. llhttp refuses a length that is repeated or
        stands beside a transfer coding.
        """
        fields: Fields = self._fields
        self.ends_by_closing = False
        if value_of(fields, b"content-length") or status in _WITHOUT_BODY:
            return
        codings = [each.lower() for each in values_of(fields, b"transfer-encoding")]
        is_old = self._parser.get_http_version() == "1.0"
        if codings and (is_old or codings != [b"chunked"]):
            raise MalformedAnswerError("the only transfer coding taken is chunked")
        self.ends_by_closing = not codings
