"""`/calls`: every model call that was admitted, never its content."""

from uuid import UUID

from aiohttp import web

from gateway.authentication import principal_of
from gateway.periods import PeriodQuery, period_of
from gateway.reading import PageQuery, id_in_path, query_of
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.metrics import (
    GET_CALL,
    LIST_CALLS,
    CallQuestion,
    CallsQuestion,
    CallStatus,
)
from shared.contracts.usage import Key
from shared.errors import CallNotFoundError
from shared.http import reply_json

__all__ = ["CallRoutes"]


class CallsQuery(PageQuery, PeriodQuery):
    """Which calls are wanted: those that have all that is named; all, if nothing is."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    provider_id: UUID | None = None
    model: Key | None = None
    status: CallStatus | None = None
    code: Key | None = None
    request_id: Key | None = None


class CallRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/calls", self._list),
            web.get("/calls/{id}", self._show),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        query = query_of(request, CallsQuery)
        period = period_of(query, now=self._now())
        question = CallsQuestion(
            org_id=who.org_id,
            actor=who.actor,
            limit=query.limit,
            cursor=query.cursor,
            agent_id=query.agent_id,
            agent_type_id=query.agent_type_id,
            provider_id=query.provider_id,
            model=query.model,
            status=query.status,
            code=query.code,
            request_id=query.request_id,
            since=period.since,
            until=period.until,
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
