"""A container engine that has the images it is told to have, and can make none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["FakeEngine"]


class FakeEngine:
    def __init__(self, *images: str) -> None:
        self.images = set(images)
        self.asked_for: list[str] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve on loopback; give the address as `DOCKER_HOST` spells it."""
        runner = web.AppRunner(self._app())
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"tcp://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/version", self._version)
        app.router.add_get("/v1.41/images/{name:.+}/json", self._inspect)
        app.router.add_post("/v1.41/images/create", self._pull)
        return app

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    async def _inspect(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self.images:
            return web.json_response({"Id": "sha256:0"})
        return web.json_response({"message": f"No such image: {name}"}, status=404)

    async def _pull(self, request: web.Request) -> web.Response:
        self.asked_for.append(request.query["fromImage"])
        return web.json_response({"message": "no such host"}, status=500)
