"""One connection of a client: its requests, answered in the order of their coming."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import cast

import structlog

from shared.errors import AppError, MalformedError, UnavailableError

from .deadlines import NEVER
from .exchange import Direct, Exchange, Serve
from .messages import RequestHead
from .request_reader import RequestReader
from .server_context import ServerContext
from .turn import Outgoing

__all__ = ["ServerConnection"]

log = structlog.get_logger(__name__)

# How long what a client still sends is read and thrown away: closing at once would
# reset the connection, and the answer with it (RFC 9112, section 9.6).
_LINGERING_SECONDS = 5.0


class ServerConnection(asyncio.Protocol):
    """Reads requests as they come; answers one at a time.

    A client that only sends no more looks like one that has gone, and is taken for it.
    """

    __slots__ = (
        "_answering",
        "_context",
        "_direct",
        "_has_gone",
        "_is_deaf",
        "_is_surplus",
        "_last_words",
        "_loop",
        "_outgoing",
        "_reader",
        "_task",
        "_transport",
        "_unread",
        "_waiting",
        "deadline",
    )

    def __init__(self, context: ServerContext) -> None:
        self.deadline = NEVER
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._answering: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        self._direct: Direct | None = None
        self._has_gone = False
        """Whether the one who answers directly has begun."""
        self._unread: asyncio.Future[None] | None = None
        self._last_words: AppError | None = None
        self._is_deaf = False
        self._is_surplus = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._outgoing = Outgoing(self._transport, self._context.turn)
        limits = self._context.limits
        reached_at: str = transport.get_extra_info("sockname")[0]
        self._reader = RequestReader(self, limits, reached_at=reached_at)
        self._is_surplus = len(self._context.connections) >= limits.most_connections
        self._context.connections.add(self)
        self._context.deadlines.add(self)
        if self._context.is_finished:
            # It was accepted before the end, and the loop tells of it now.
            self.abort()
        else:
            self._await_request()

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        turn = self._context.turn
        turn.begin()
        try:
            self._hear(data)
        finally:
            turn.end()

    def pause_writing(self) -> None:
        self._unread = self._loop.create_future()
        self.deadline = self._in(self._context.limits.patience.total_seconds())

    def resume_writing(self) -> None:
        if self._unread is not None and not self._unread.done():
            self._unread.set_result(None)
        self._unread = None
        if self._answering is not None:
            self.deadline = NEVER
        elif self._is_deaf:
            self.deadline = self._in(_LINGERING_SECONDS)
        else:
            self._await_request()

    def connection_lost(self, _: Exception | None) -> None:
        self._is_deaf = True
        self._context.forget(self)
        for exchange in self._waiting:
            self._release(exchange)
        self._waiting.clear()
        if self._task is not None:
            # A task that is cancelled before its first step never runs: what it has to
            # end, as a call that was opened, would never end.
            self._loop.call_soon(self._task.cancel)
        elif self._direct is not None and self._answering is not None:
            try:
                self._direct.leave()
            finally:
                self._finish(self._answering)

    # What the reader calls.

    def begin(self) -> None:
        if len(self._waiting) >= self._context.limits.pipelined:
            raise UnavailableError("Too many requests at once.")
        if self._answering is None:
            head = self._context.limits.head.total_seconds()
            self.deadline = min(self.deadline, self._in(head))

    def take(
        self,
        head: RequestHead,
        *,
        content_length: int,
        expects_continue: bool = False,
        is_chunked: bool = True,
        is_last: bool = False,
    ) -> Exchange:
        exchange = self._exchange(
            head,
            content_length=content_length,
            expects_continue=expects_continue,
            is_chunked=is_chunked,
            is_last=is_last,
        )
        exchange.refused = self._past_capacity()
        if self._answering is None:
            self._answer(exchange)
        else:
            self._waiting.append(exchange)
        return exchange

    def receive(self, exchange: Exchange) -> None:
        if exchange is self._answering and self._unread is None:
            self.deadline = NEVER

    # What an exchange calls.

    def send(self, data: bytes) -> None:
        self._outgoing.write(data)

    def send_whole(self, data: bytes) -> None:
        self._outgoing.write_last(data)

    async def until_read(self) -> None:
        if self._unread is not None:
            await self._unread

    def once_read(self, go_on: Callable[[], None]) -> bool:
        if self._unread is None:
            return True
        self._unread.add_done_callback(lambda _: go_on())
        return False

    def date(self) -> bytes:
        return self._context.date()

    def serve(self, exchange: Exchange, serve: Serve | None = None) -> None:
        if self._answering is not exchange:
            return  # its client has gone away, and it was released
        self._direct = None
        if serve is None:
            serve = partial(self._context.application.serve, exchange)
        self._task = self._context.tasks.create_task(self._served(exchange, serve))

    def finish(self, exchange: Exchange) -> None:
        if self._answering is exchange and self.once_read(
            lambda: self.finish(exchange)
        ):
            self._finish(exchange)

    # What the deadlines and the server call.

    def expire(self) -> None:
        """Give up on a client that does not send or does not read."""
        self.deadline = NEVER
        is_arriving = self._reader.arriving is not None and not self._is_deaf
        if is_arriving and self._unread is None:
            self._refuse(MalformedError("The body did not arrive in time."))
            self._go_directly()
            return
        # Closing would wait for the client to read.
        self._transport.abort()

    def drain(self) -> None:
        """Close, now or as soon as no request is in hand."""
        if self._answering is None:
            self._outgoing.close()
        else:
            self._answering.is_last = True

    def abort(self) -> None:
        """Close at once, whatever is in hand."""
        self._transport.abort()

    def _hear(self, data: bytes) -> None:
        try:
            self._read(data)
        except AppError as error:
            self._refuse(error)
        self._go_directly()

    def _read(self, data: bytes) -> None:
        """Read *data*, or hand the connection over to whom its next request goes."""
        if self._answering is not None or not self._reader.is_between:
            self._reader.read(data)
            return
        data = self._reader.beginning(data)
        if not data:
            return
        if protocol := self._context.elsewhere(data):
            self._hand_over(protocol, data)
        else:
            self._reader.read_first(data)

    def _exchange(
        self,
        head: RequestHead,
        *,
        content_length: int = 0,
        expects_continue: bool = False,
        is_chunked: bool = True,
        is_last: bool = False,
    ) -> Exchange:
        return Exchange(
            head,
            way=self,
            capacity=self._context.capacity,
            longest_body_bytes=self._context.limits.longest_body_bytes,
            content_length=content_length,
            expects_continue=expects_continue,
            is_chunked=is_chunked,
            is_last=is_last,
        )

    def _past_capacity(self) -> AppError | None:
        if self._is_surplus:
            return UnavailableError("Too many connections.", retry_after_seconds=1)
        try:
            self._context.admit()
        except UnavailableError as error:
            return error
        return None

    def _answer(self, exchange: Exchange) -> None:
        self._answering = exchange
        exchange.is_last = exchange.is_last or self._context.is_draining
        if exchange.refused is not None:
            # Once what came with the head is read, so that the connection can go on.
            self._loop.call_soon(self._answer_refused, exchange, exchange.refused)
            return
        if not exchange.is_received:
            self.deadline = self._in(self._context.limits.patience.total_seconds())
        self._direct = self._context.in_callbacks(exchange)
        self._has_gone = False
        if self._direct is None:
            self.serve(exchange)

    def _go_directly(self) -> None:
        """Let who answers directly begin, as soon as the request is whole.

        What will never be whole is a task's to refuse.
        """
        exchange, direct = self._answering, self._direct
        if direct is None or exchange is None or self._has_gone:
            return
        if exchange.has_failed:
            self.serve(exchange)
        elif exchange.is_received:
            self._has_gone = True
            direct.go()

    def _answer_refused(self, exchange: Exchange, error: AppError) -> None:
        if not self._transport.is_closing():
            exchange.is_last = exchange.is_last or self._is_surplus
            self._reply_refusal(exchange, error)
        self._finish(exchange)

    async def _served(self, exchange: Exchange, serve: Serve) -> None:
        try:
            await serve()
            if not exchange.has_begun:
                raise AssertionError("no answer was given")  # noqa: TRY301
        except Exception:
            log.exception("http.application_failed")
            if not exchange.has_begun:
                self._reply_refusal(exchange, AppError())
        finally:
            self._task = None
            self._finish(exchange)

    def _finish(self, exchange: Exchange) -> None:
        """Go on to what comes after *exchange*."""
        self._answering = self._direct = None
        self._release(exchange)
        if self._transport.is_closing():
            return
        if not exchange.has_ended:
            self._outgoing.close()  # cut: no last chunk, no further answer
        elif exchange.is_last or self._context.is_draining:
            self._hang_up()
        elif self._waiting:
            self._answer(self._waiting.popleft())
            self._go_directly()
        elif self._last_words is not None:
            self._say_last_words(self._last_words)
        elif self._unread is None:
            self._await_request()

    def _release(self, exchange: Exchange) -> None:
        exchange.close()
        if exchange.refused is None:
            self._context.dismiss()

    def _refuse(self, error: AppError) -> None:
        """Read no further; say why, when all that came before is answered."""
        self._is_deaf = True
        if self._reader.arriving is not None:
            self._reader.arriving.is_last = True
            self._reader.arriving.fail(error)
            return
        self._last_words = error
        if self._answering is None:
            self._say_last_words(error)

    def _say_last_words(self, error: AppError) -> None:
        head = self._reader.unread_head
        exchange = self._exchange(head, is_chunked=False, is_last=True)
        self._reply_refusal(exchange, error)
        self._hang_up()

    def _reply_refusal(self, exchange: Exchange, error: AppError) -> None:
        exchange.answer(self._context.application.refusal(error, exchange.head))

    def _hang_up(self) -> None:
        """Close once the client has had time to read what it was told."""
        is_done = self._reader.arriving is None and not self._is_deaf
        self._is_deaf = True
        if is_done or not self._transport.can_write_eof():
            self._outgoing.close()
            return
        self._outgoing.write_eof()
        self.deadline = self._in(_LINGERING_SECONDS)

    def _hand_over(self, protocol: asyncio.Protocol, data: bytes) -> None:
        """Let *protocol* have the connection, from its next request on."""
        self._outgoing.flush()
        self._context.forget(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def _await_request(self) -> None:
        self.deadline = self._in(self._context.limits.idle.total_seconds())
        if self._context.is_draining:
            self._outgoing.close()

    def _in(self, seconds: float) -> float:
        return self._loop.time() + seconds
