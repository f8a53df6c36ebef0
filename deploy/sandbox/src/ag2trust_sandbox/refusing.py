"""How refusals are told in the format of whoever asked."""

from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .refusal import RefusalError
from .reply import Reply
from .script import ErrorDetail, Step
from .sending import send
from .stamp import Stamp, new_stamp

__all__ = ["ErrorReply", "refusing"]

ErrorReply = Callable[[Step, Stamp], Reply]


def refusing(wires: Mapping[str, ErrorReply]) -> Middleware:
    """Make the middleware that answers refusals, and paths and methods there are not.

    *wires* has the errors of each wire by the start of its paths; the first that fits
    is taken.
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
        return await send(request, wire(step, new_stamp()))

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
