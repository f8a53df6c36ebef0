"""`/events`: what happens in an organization, as it happens."""

from aiohttp import web

from gateway.access.permissions import Permission
from gateway.live_events import LiveEvents
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import invalid_headers
from shared.event_stream import Position

__all__ = ["EventRoutes"]

_LAST = "Last-Event-ID"


class EventRoutes:
    def __init__(self, live_events: LiveEvents) -> None:
        self._live_events = live_events

    @operation("GET /events", needs=Permission.EVENTS_READ, media="text/event-stream")
    async def stream_events(self, asked: Asked) -> web.StreamResponse:
        """Stream the events of the organization, from now on or from `Last-Event-ID`.

        Each has an id, its name (`call.finished`) and the event in JSON. Events are
        kept for seven days. Every 15 seconds it is looked up whether who asked may
        still see them.
        """
        return await self._live_events.stream(asked.http, asked.who, _after(asked))


def _after(asked: Asked) -> Position | None:
    text = asked.http.headers.get(_LAST)
    if text is None:
        return None
    position = Position.parse(text)
    if position is None:
        raise invalid_headers({_LAST: "must be the id of an event"})
    return position
