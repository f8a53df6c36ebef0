"""Public events as server-sent events, as long as who asked may see them.

WHATWG HTML, section 9.2: a client that comes back sends the id of the last event it
took as `Last-Event-ID`, and goes on from there.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from aiohttp import web

from shared.bus import Bus
from shared.errors import AppError, LimitedError
from shared.event_stream import EventSource, Position, PublicEvent

from .access.authentication import Authentication
from .access.permissions import Permission
from .access.principals import Principal

__all__ = ["LiveEvents"]

log = structlog.get_logger(__name__)

_STREAMS_AT_ONCE = 10
_LOOK_UP_SECONDS = 1.0
_WRITE_SECONDS = 30.0
_RETRY_AFTER_SECONDS = 10.0
_COME_BACK_AFTER_MS = 2000


class LiveEvents:
    """Streams that end with the right to see them, or when the gateway closes.

    Who reads slowly is sent nothing faster: what is not taken waits in the stream. Who
    takes nothing for 30 seconds is hung up on.
    """

    def __init__(
        self,
        bus: Bus,
        authentication: Authentication,
        *,
        reauthorized_every: timedelta = timedelta(seconds=15),
    ) -> None:
        self._bus = bus
        self._authentication = authentication
        self._reauthorized_every = reauthorized_every.total_seconds()
        self._streams: Counter[UUID] = Counter()
        self._is_closed = False

    def close(self) -> None:
        """Let every stream end within a second."""
        self._is_closed = True

    async def stream(
        self, request: web.Request, who: Principal, after: Position | None
    ) -> web.StreamResponse:
        """Answer *request* with what follows *after*, or happens from now on.

        Raises `LimitedError` for too many streams at once, and `UnavailableError`.
        """
        with self._place(who):
            async with self._bus.reading_events(who.org_id, after) as source:
                response = web.StreamResponse(
                    headers={
                        "Content-Type": "text/event-stream",
                        "Cache-Control": "no-store",
                        "X-Accel-Buffering": "no",  # nginx would hold events back
                    }
                )
                await response.prepare(request)
                try:
                    await self._send(request, response, source)
                except AppError as error:
                    log.info("stream.ended", reason=error.code)
                return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, source: EventSource
    ) -> None:
        await _write(request, response, f"retry: {_COME_BACK_AFTER_MS}\n\n")
        authorized_until = _time() + self._reauthorized_every
        while not self._is_closed and request.transport is not None:
            if _time() >= authorized_until:
                await self._reauthorize(request)
                authorized_until = _time() + self._reauthorized_every
                await _write(request, response, ": still here\n\n")
            left = authorized_until - _time()
            event = await source.next(patience=min(_LOOK_UP_SECONDS, max(0.0, left)))
            if event is not None:
                await _write(request, response, _frame(event))

    async def _reauthorize(self, request: web.Request) -> None:
        """Ask again who this is; raise what a new request would be refused with."""
        who = await self._authentication.principal_of(request)
        who.require(Permission.EVENTS_READ)

    @contextmanager
    def _place(self, who: Principal) -> Iterator[None]:
        if self._streams[who.id] >= _STREAMS_AT_ONCE:
            raise LimitedError(
                f"There are {_STREAMS_AT_ONCE} streams already; end one.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._streams[who.id] += 1
        try:
            yield
        finally:
            self._streams[who.id] -= 1
            self._streams += Counter()  # forgets whoever has none


def _frame(event: PublicEvent) -> str:
    """Put an event on the wire; its JSON has no line breaks."""
    payload = event.payload.decode()
    return f"id: {event.position}\nevent: {event.name}\ndata: {payload}\n\n"


async def _write(request: web.Request, response: web.StreamResponse, text: str) -> None:
    """Write, and hang up on who takes nothing."""
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            await response.write(text.encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        log.debug("stream.left")


def _time() -> float:
    return asyncio.get_running_loop().time()
