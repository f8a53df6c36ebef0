"""`/healthz`, `/readyz`, `/metrics`: for whoever watches the process, without a key."""

from http import HTTPStatus
from typing import Literal

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from pydantic import BaseModel

from gateway.measuring import Measurements
from gateway.readiness import DEPENDENCIES, Readiness
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation

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
    def __init__(self, readiness: Readiness, measurements: Measurements) -> None:
        self._readiness = readiness
        self._measurements = measurements

    @operation("GET /healthz", needs=None)
    async def get_health(self, _: Asked) -> Health:
        """Tell that the process lives."""
        return Health()

    @operation(
        "GET /readyz", needs=None, also={HTTPStatus.SERVICE_UNAVAILABLE: NotReady}
    )
    async def get_readiness(self, _: Asked) -> Ready | Reply[NotReady]:
        """Tell whether all that is needed is there, or what is missing."""
        missing = await self._readiness.missing()
        if not missing:
            return Ready()
        return Reply(
            NotReady(missing=missing),
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )

    @operation("GET /metrics", needs=None, media="text/plain")
    async def get_metrics(self, _: Asked) -> web.StreamResponse:
        """Tell what was measured, in Prometheus' text format."""
        missing = await self._readiness.missing()
        reachable = {name: name not in missing for name in DEPENDENCIES}
        return web.Response(
            body=self._measurements.text(reachable=reachable),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_1_0_0},
        )
