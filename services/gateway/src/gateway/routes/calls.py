"""`/calls`: every model call that was admitted, never its content."""

from uuid import UUID

from aiohttp import web

from gateway.authentication import principal_of
from gateway.reading import PageQuery, id_in_path, query_of
from shared.bus import Bus
from shared.contracts.metrics import GET_CALL, LIST_CALLS, CallQuestion, CallsQuestion
from shared.errors import CallNotFoundError
from shared.http import reply_json

__all__ = ["CallRoutes"]


class CallsQuery(PageQuery):
    """Which calls are wanted: all, or those of one agent."""

    agent_id: UUID | None = None


class CallRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/calls", self._list),
            web.get("/calls/{id}", self._show),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        query = query_of(request, CallsQuery)
        question = CallsQuestion(
            org_id=who.org_id,
            actor=who.actor,
            limit=query.limit,
            cursor=query.cursor,
            agent_id=query.agent_id,
        )
        return reply_json(await self._bus.ask(LIST_CALLS, question))

    async def _show(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        question = CallQuestion(
            org_id=who.org_id,
            actor=who.actor,
            call_id=id_in_path(request, CallNotFoundError),
        )
        return reply_json(await self._bus.ask(GET_CALL, question))
