"""Server-sent events to one caller (WHATWG HTML, section 9.2)."""

import asyncio
from datetime import timedelta

from aiohttp import web

from shared.timeouts import timeout

__all__ = ["MEDIA_TYPE", "CallerGoneError", "EventStream"]

MEDIA_TYPE = "text/event-stream"

_PING_EVERY = timedelta(seconds=15)
_READ_WITHIN = timedelta(seconds=30)


class CallerGoneError(Exception):
    """Nobody reads any more, or not as fast as can be waited for."""


class EventStream:
    """An answer that goes on. What writes raises `CallerGoneError`."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        *,
        ping_every: timedelta = _PING_EVERY,
        read_within: timedelta = _READ_WITHIN,
    ) -> None:
        self._response = response
        self._request = request
        self._ping_every = ping_every
        self._read_within = read_within
        self._sent_at = _time()

    async def open(self) -> None:
        """Send the head of the answer."""
        self._response.headers.update(
            {
                "Content-Type": MEDIA_TYPE,
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",  # or nginx gathers it up
            }
        )
        try:
            await self._response.prepare(self._request)
        except ConnectionError as error:
            raise CallerGoneError from error

    async def send(self, event: str, data: str, *, event_id: str = "") -> None:
        """Send an event; *data* is one line, such as JSON.

        A reader that comes back says which *event_id* was its last.
        """
        named = f"id: {event_id}\n" if event_id else ""
        await self._write(f"{named}event: {event}\ndata: {data}\n\n")

    async def keep_alive(self) -> None:
        """Send a comment if nothing was sent for a while."""
        if _time() - self._sent_at >= self._ping_every.total_seconds():
            await self._write(": ping\n\n")

    def abort(self) -> None:
        """Close the connection with what is not read yet: nobody would read it."""
        if (transport := self._request.transport) is not None:
            transport.abort()

    async def _write(self, text: str) -> None:
        try:
            async with timeout(self._read_within.total_seconds()):
                await self._response.write(text.encode())
        except (TimeoutError, ConnectionError) as error:
            raise CallerGoneError from error
        self._sent_at = _time()


def _time() -> float:
    return asyncio.get_running_loop().time()
