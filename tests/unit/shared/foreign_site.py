"""A server for tests that ask foreign URLs, and names that lead where a test says."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict

__all__ = ["Names", "Site", "in_url", "serving"]


class Names(AbstractResolver):
    """Answers every name with the next of *spellings*, read by the system."""

    def __init__(self, *spellings: str) -> None:
        self._spellings = list(spellings)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        spelling = self._spellings[min(self.asked, len(self._spellings) - 1)]
        self.asked += 1
        found = await asyncio.get_running_loop().getaddrinfo(
            spelling, port, family=family, type=socket.SOCK_STREAM
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        pass


@dataclass
class Site:
    """A server that does as its paths say and remembers who asked for what."""

    port: int = 0
    asked: list[tuple[str, str, CIMultiDict[str], bytes]] = field(default_factory=list)
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        headers = CIMultiDict(request.headers)
        self.asked.append((request.method, request.path, headers, await request.read()))
        self.was_asked.set()
        if request.path in self.redirects:
            status, location = self.redirects[request.path]
            return web.Response(status=status, headers={"Location": location})
        if request.path == "/packed":
            packed = gzip.compress(self.bodies["/packed"])
            return web.Response(body=packed, headers={"Content-Encoding": "gzip"})
        if request.path == "/never":
            await asyncio.Event().wait()
        content_type = self.types.get(request.path, "text/plain")
        return web.Response(
            body=self.bodies.get(request.path, b"here"),
            headers={"Content-Type": content_type},
        )


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "0.0.0.0", 0)  # noqa: S104 - all of 127/8
        await listener.start()
        site.port = runner.addresses[0][1]
        yield site
    finally:
        await runner.cleanup()


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
