"""`/audit`: who did what. So far it tells what credentials keeps, not other owners."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.principals import Role
from gateway.reading import page_question
from shared.bus import Bus
from shared.contracts.credentials import LIST_AUDIT
from shared.http import reply_json

__all__ = ["AuditRoutes"]


class AuditRoutes:
    """Only an owner or admin reads it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/audit", self._list)]

    async def _list(self, request: web.Request) -> web.Response:
        principal_of(request).require(Role.ADMIN)
        return reply_json(await self._bus.ask(LIST_AUDIT, page_question(request)))
