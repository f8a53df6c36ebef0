"""`/api/openapi.json` and `/docs`: what this API is, told to whoever comes."""

from collections.abc import Callable

from aiohttp import web

from gateway.documentation import STYLE, page_of
from gateway.routing.asked import Asked
from gateway.routing.openapi import JsonObject
from gateway.routing.operations import operation

__all__ = ["DescriptionRoutes", "DocumentationRoutes"]

_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


DOCUMENT: web.AppKey[Callable[[], JsonObject]] = web.AppKey("document")
"""Makes the OpenAPI document of all that an application serves, once.

When it is first asked for: few ask, and no start shall wait for it.
"""


class DescriptionRoutes:
    @operation("GET /openapi.json", needs=None, media="application/json")
    async def get_openapi(self, asked: Asked) -> web.StreamResponse:
        """Describe this API in OpenAPI 3.1."""
        return web.json_response(asked.http.app[DOCUMENT]())


class DocumentationRoutes:
    """The same for people; the page asks no other host for anything."""

    @operation("GET /docs", needs=None, media="text/html")
    async def get_documentation(self, asked: Asked) -> web.StreamResponse:
        """Show this API to people."""
        page = page_of(asked.http.app[DOCUMENT]())
        return _harmless(web.Response(text=page, content_type="text/html"))

    @operation("GET /docs/style.css", needs=None, media="text/css")
    async def get_documentation_style(self, _: Asked) -> web.StreamResponse:
        """Give `/docs` its looks."""
        return _harmless(web.Response(text=STYLE, content_type="text/css"))


def _harmless(response: web.Response) -> web.Response:
    """Let the page load its style and nothing else, framed by nobody."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
