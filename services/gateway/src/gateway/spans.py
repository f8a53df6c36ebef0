"""The span of a request to the API: where a trace begins, or goes on from its caller.

It names the route and never the path, as the log does.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from shared.tracing import TRACEPARENT, Kind, TraceContext, is_on, spanning

__all__ = ["telling_of_requests", "trace_id_of"]

_TRACE_ID = web.RequestKey("trace_id", str)
_API = "/api/"
_SERVER_ERROR = 500


@web.middleware
async def telling_of_requests(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Tell of a request to the API; of a stream, up to its end."""
    resource = request.match_info.route.resource
    if not is_on() or resource is None or not resource.canonical.startswith(_API):
        return await handler(request)
    with spanning(
        f"{request.method} {resource.canonical}",
        Kind.SERVER,
        parent=_parent(request),
        attributes={
            "http.request.method": request.method,
            "http.route": resource.canonical,
        },
    ) as span:
        if span.context:
            request[_TRACE_ID] = span.context.trace_id
        response = await handler(request)
        span.note({"http.response.status_code": response.status})
        if response.status >= _SERVER_ERROR:
            span.fail(str(response.status))
        return response


def trace_id_of(request: web.Request) -> str | None:
    """Return the trace of a request, for what is said after its span has ended."""
    return request.get(_TRACE_ID)


def _parent(request: web.Request) -> TraceContext | None:
    """Read whom the caller names; several name nobody (W3C, section 3.2.1)."""
    given = request.headers.getall(TRACEPARENT, [])
    return TraceContext.parse(given[0]) if len(given) == 1 else None
