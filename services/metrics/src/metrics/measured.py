"""`GET /metrics` of this service, for Prometheus on its machine or inner network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from shared.http import tell_errors
from shared.http_server import listening

from .counting.measurements import Measurements

__all__ = ["answering_prometheus"]


@asynccontextmanager
async def answering_prometheus(
    measurements: Measurements, *, host: str, port: int
) -> AsyncIterator[int]:
    """Tell *measurements* while the block runs; yields the port."""

    async def get_metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(
            body=measurements.text(),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_1_0_0},
        )

    app = web.Application(middlewares=[tell_errors])
    app.router.add_get("/metrics", get_metrics)
    async with listening(app, host=host, port=port) as listens_at:
        yield listens_at
