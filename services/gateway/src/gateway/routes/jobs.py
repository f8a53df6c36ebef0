"""`/jobs/{id}`: how far a job is. The only kind so far is the rewrap."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.reading import id_in_path
from shared.bus import Bus
from shared.contracts.master_key import GET_REWRAP, RewrapQuestion
from shared.errors import JobNotFoundError
from shared.http import reply_json

__all__ = ["JobRoutes"]


class JobRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/jobs/{id}", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        question = RewrapQuestion(
            org_id=who.org_id,
            actor=who.actor,
            rewrap_id=id_in_path(request, JobNotFoundError),
        )
        return reply_json(await self._bus.ask(GET_REWRAP, question))
