"""How a request gets into the list of received requests."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .received import ReceivedRequest, without_keys
from .sandbox import Sandbox

__all__ = ["remembering"]


def remembering(sandbox: Sandbox, *, keys_in_full: bool) -> Middleware:
    """Make the middleware that remembers all but the sandbox's own paths."""

    @web.middleware
    async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/sandbox/"):
            sandbox.receive(await _received(request, keys_in_full=keys_in_full))
        return await handler(request)

    return remember


async def _received(request: web.Request, *, keys_in_full: bool) -> ReceivedRequest:
    headers = _joined(request)
    return ReceivedRequest(
        method=request.method,
        path=request.raw_path,
        headers=headers if keys_in_full else without_keys(headers),
        body=await request.read(),
    )


def _joined(request: web.Request) -> Mapping[str, str]:
    """Give each header once, by its name in lower case."""
    names = dict.fromkeys(name.lower() for name in request.headers)
    return {name: ", ".join(request.headers.getall(name)) for name in names}
