"""`/healthz` and `/readyz`, for whoever watches the process; they need no key."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from gateway.readiness import Readiness
from shared.http import reply_json

__all__ = ["HealthRoutes"]

_RETRY_AFTER_SECONDS = 2


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"


class NotReady(BaseModel):
    """*missing* maps what is not there to the reason."""

    status: Literal["not_ready"] = "not_ready"
    missing: dict[str, str]


class HealthRoutes:
    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self._tell_health),
            web.get("/readyz", self._tell_readiness),
        ]

    async def _tell_health(self, _: web.Request) -> web.Response:
        return reply_json(Health())

    async def _tell_readiness(self, _: web.Request) -> web.Response:
        missing = await self._readiness.missing()
        if not missing:
            return reply_json(Ready())
        response = reply_json(NotReady(missing=missing), status=503)
        response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        return response
