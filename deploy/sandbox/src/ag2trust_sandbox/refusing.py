"""How refusals are told in the format of whoever asked."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .refusal import RefusalError
from .script import ErrorDetail, Step
from .sending import send
from .stamp import new_stamp
from .wire import Wire

__all__ = ["refusing"]


def refusing(wires: Mapping[str, Wire]) -> Middleware:
    """Make the middleware that answers refusals, and paths and methods there are not.

    *wires* are named by the start of their paths; the first that fits is taken.
    """

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusalError as refusal:
            step = refusal.step
        except web.HTTPException as error:
            step = _step_for(request, error)
        wire = next(wire for start, wire in wires.items() if _is_on(request, start))
        return await send(request, wire.error_reply(step, new_stamp()))

    return refuse


def _is_on(request: web.Request, start: str) -> bool:
    return request.path.startswith(start)


def _step_for(request: web.Request, error: web.HTTPException) -> Step:
    messages = {
        404: f"Invalid URL ({request.method} {request.path})",
        405: f"Not allowed to {request.method} on {request.path}.",
    }
    message = messages.get(error.status, f"{error.reason}.")
    return Step(status=error.status, error=ErrorDetail(message=message, code=None))
