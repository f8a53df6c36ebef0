"""Public events as server-sent events, as long as who asked may see them.

WHATWG HTML, section 9.2: a client that comes back sends the id of the last event it
took as `Last-Event-ID`, and goes on from there.
"""

import structlog
from aiohttp import web

from shared.bus import Bus
from shared.errors import AppError
from shared.event_stream import EventSource, Position, PublicEvent
from shared.timeouts import timeout

from .access.permissions import Permission
from .access.principals import Principal
from .open_streams import OpenStreams, Pass

__all__ = ["LiveEvents"]

log = structlog.get_logger(__name__)

_LOOK_UP_SECONDS = 1.0
_WRITE_SECONDS = 30.0
_COME_BACK_AFTER_MS = 2000


class LiveEvents:
    """Streams that end with the right to see them, or when the gateway closes.

    Who reads slowly is sent nothing faster: what is not taken waits in the stream. Who
    takes nothing for 30 seconds is hung up on.
    """

    def __init__(self, bus: Bus, streams: OpenStreams) -> None:
        self._bus = bus
        self._streams = streams

    async def stream(
        self, request: web.Request, who: Principal, after: Position | None
    ) -> web.StreamResponse:
        """Answer *request* with what follows *after*, or happens from now on.

        Raises `LimitedError` for too many streams at once, and `UnavailableError`.
        """
        with self._streams.admit(request, who, Permission.EVENTS_READ) as admitted:
            async with self._bus.reading_events(who.org_id, after) as source:
                response = web.StreamResponse(
                    headers={
                        "Content-Type": "text/event-stream",
                        "Cache-Control": "no-store",
                        "X-Accel-Buffering": "no",  # nginx would hold events back
                    }
                )
                try:
                    await response.prepare(request)
                    await _send(request, response, source, admitted)
                except AppError as error:
                    log.info("stream.ended", reason=error.code)
                except ConnectionError:
                    log.debug("stream.left")
                return response


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    source: EventSource,
    admitted: Pass,
) -> None:
    await _write(request, response, f"retry: {_COME_BACK_AFTER_MS}\n\n")
    while not admitted.has_ended:
        if not admitted.seconds_left:
            await admitted.renew()
            await _write(request, response, ": still here\n\n")
        patience = min(_LOOK_UP_SECONDS, admitted.seconds_left)
        event = await source.next(patience=patience)
        if event is not None:
            await _write(request, response, _frame(event))


def _frame(event: PublicEvent) -> str:
    """Put an event on the wire; its JSON has no line breaks."""
    payload = event.payload.decode()
    return f"id: {event.position}\nevent: {event.name}\ndata: {payload}\n\n"


async def _write(request: web.Request, response: web.StreamResponse, text: str) -> None:
    """Write, and hang up on who takes nothing."""
    try:
        async with timeout(_WRITE_SECONDS):
            await response.write(text.encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
