"""`/master-key`: the key behind every stored secret, of the whole installation."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.principals import Principal, Role
from shared.bus import Bus
from shared.contracts.base import Question
from shared.contracts.master_key import (
    FREEZE,
    GET_MASTER_KEY,
    START_REWRAP,
    UNFREEZE,
    StartRewrap,
)
from shared.http import reply_json
from shared.ids import new_id

__all__ = ["MasterKeyRoutes"]


class MasterKeyRoutes:
    """Only an owner sees or uses these: they concern every organization."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/master-key", self._show),
            web.post("/master-key/rewrap", self._rewrap),
            web.post("/master-key/freeze", self._freeze),
            web.post("/master-key/unfreeze", self._unfreeze),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(GET_MASTER_KEY, _question(request)))

    async def _rewrap(self, request: web.Request) -> web.Response:
        """Start the job, which `/jobs/{id}` tells of; while one runs, it is that."""
        who = _owner(request)
        question = StartRewrap(org_id=who.org_id, actor=who.actor, rewrap_id=new_id())
        job = await self._bus.ask(START_REWRAP, question)
        prefix = request.path.removesuffix("/master-key/rewrap")
        response = reply_json(job, status=202)
        response.headers["Location"] = f"{prefix}/jobs/{job.id}"
        return response

    async def _freeze(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(FREEZE, _question(request)))

    async def _unfreeze(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(UNFREEZE, _question(request)))


def _question(request: web.Request) -> Question:
    who = _owner(request)
    return Question(org_id=who.org_id, actor=who.actor)


def _owner(request: web.Request) -> Principal:
    who = principal_of(request)
    who.require(Role.OWNER)
    return who
