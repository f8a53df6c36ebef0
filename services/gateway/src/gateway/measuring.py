"""How often the gateway is asked what, how long answers take, and whom it can reach.

Names and buckets are those of OpenTelemetry's conventions for HTTP servers (semantic
conventions 1.40, "HTTP metrics"), as Prometheus writes them. Nothing here tells whose a
request was, or more of its path than the route.
"""

import time
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["Measurements", "measuring"]

_BUCKETS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
)
_OTHER = "_OTHER"


class Measurements:
    """What one gateway has measured since it started."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "How long answers took.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._active = Gauge(
            "http_server_active_requests",
            "Requests that are being answered.",
            registry=self._registry,
        )
        self._reachable = Gauge(
            "ag2trust_dependency_up",
            "Whether what the gateway needs answers.",
            ["dependency"],
            registry=self._registry,
        )

    def text(self, *, reachable: Mapping[str, bool]) -> bytes:
        """Write all of it down in Prometheus' text format."""
        for dependency, is_up in reachable.items():
            self._reachable.labels(dependency).set(is_up)
        return generate_latest(self._registry)

    def begin(self) -> float:
        self._active.inc()
        return time.perf_counter()

    def end(self, begun: float, request: web.Request, status: int) -> None:
        self._active.dec()
        self._duration.labels(_method(request), _route(request), status).observe(
            time.perf_counter() - begun
        )


def measuring(measurements: Measurements) -> Middleware:
    """Measure every request; of a stream, up to its end."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun, status = measurements.begin(), 500
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            measurements.end(begun, request, status)

    return measure


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else _OTHER


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else _OTHER
