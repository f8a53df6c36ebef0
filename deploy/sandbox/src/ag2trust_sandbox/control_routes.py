"""`/sandbox/…`: the script and the received requests, for whoever is not Python."""

from collections.abc import Mapping

from aiohttp import web
from pydantic import JsonValue, TypeAdapter, ValidationError

from .received import ReceivedRequest
from .sandbox import Sandbox
from .script import Step

__all__ = ["ControlRoutes"]

_STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])


class ControlRoutes:
    """No key is asked for: the sandbox listens on loopback and holds no secret."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def table(self) -> tuple[web.RouteDef, ...]:
        return (
            web.put("/sandbox/script", self.put_script),
            web.get("/sandbox/script", self.get_script, allow_head=False),
            web.get("/sandbox/requests", self.get_requests, allow_head=False),
            web.delete("/sandbox/requests", self.delete_requests),
        )

    async def put_script(self, request: web.Request) -> web.Response:
        try:
            steps = _STEPS.validate_json(await request.read())
        except ValidationError as error:
            return web.json_response(_invalid_script(error), status=400)
        self._sandbox.play(*steps)
        return web.Response(status=204)

    async def get_script(self, _: web.Request) -> web.Response:
        remaining = _STEPS.dump_json(self._sandbox.remaining_steps, exclude_unset=True)
        return web.Response(body=remaining, content_type="application/json")

    async def get_requests(self, _: web.Request) -> web.Response:
        requests = [_shown(each) for each in self._sandbox.requests]
        return web.json_response(
            {"request_count": self._sandbox.request_count, "requests": requests}
        )

    async def delete_requests(self, _: web.Request) -> web.Response:
        self._sandbox.forget_requests()
        return web.Response(status=204)


def _invalid_script(error: ValidationError) -> Mapping[str, JsonValue]:
    problems: dict[str, JsonValue] = {
        ".".join(map(str, each["loc"])): each["msg"].removeprefix("Value error, ")
        for each in error.errors(include_url=False, include_input=False)
    }
    return {
        "error": "This is no list of steps; the script is unchanged.",
        "error_code": "INVALID_SCRIPT",
        "details": problems,
    }


def _shown(request: ReceivedRequest) -> Mapping[str, JsonValue]:
    """Show the request as JSON; a body that is no JSON, as text."""
    try:
        body = request.json
    except ValueError:
        body = request.body.decode(errors="replace")
    return {
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": body,
    }
