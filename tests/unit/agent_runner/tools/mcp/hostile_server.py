"""An MCP server that behaves until it is told not to, on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = [
    "HostileServer",
    "Misdeed",
    "answering",
    "events",
    "flooding",
    "pouring",
    "serving_hostile",
    "stalling",
]

Misdeed = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]

TOOL: dict[str, Any] = {
    "name": "look",
    "description": "Look it up.",
    "inputSchema": {"type": "object", "properties": {"what": {"type": "string"}}},
}
_PIECE = b"x" * 64 * 1024


@dataclass
class HostileServer:
    """*misdeeds* are what it does instead, by the method that is asked for.

    *called* counts calls of its tool, *poured* the bytes that it got rid of.
    """

    port: int = 0
    tools: list[dict[str, Any]] = field(default_factory=lambda: [TOOL])
    gives: dict[str, Any] = field(
        default_factory=lambda: {"content": [{"type": "text", "text": "found"}]}
    )
    misdeeds: dict[str, Misdeed] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    called: int = 0
    poured: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        message = await request.json() if request.can_read_body else {}
        method = message.get("method", request.method)
        self.heard.append((method, dict(request.headers)))
        if method == "tools/call":
            self.called += 1
        if misdeed := self.misdeeds.get(method):
            return await misdeed(request, message)
        if "id" not in message:
            return web.Response(status=202, headers=self.headers)
        return web.json_response(
            {"jsonrpc": "2.0", "id": message["id"], "result": self._result(method)},
            headers=self.headers,
        )

    def _result(self, method: str) -> dict[str, Any]:
        match method:
            case "initialize":
                return {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "hostile", "version": "1"},
                }
            case "tools/list":
                return {"tools": self.tools}
            case _:
                return self.gives


@asynccontextmanager
async def serving_hostile() -> AsyncIterator[HostileServer]:
    server = HostileServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()


def answering(status: int = 200, **headers: str) -> Misdeed:
    """Answer without a word."""

    async def misdeed(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=named)

    return misdeed


def events(*said: object) -> Misdeed:
    """Say this in a stream, which ends then; `id` stands for the request's own."""

    async def misdeed(
        request: web.Request, message: dict[str, Any]
    ) -> web.StreamResponse:
        stream = await _streaming(request)
        for each in said:
            text = json.dumps(each).replace('"id"', f'"id":{message["id"]},"_"')
            await stream.write(f"data: {text}\n\n".encode())
        return stream

    return misdeed


def pouring(
    server: HostileServer, *, before: bytes, most: int, content_type: str
) -> Misdeed:
    """Answer with *most* bytes after *before*."""

    async def misdeed(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        stream = await _streaming(request, content_type)
        await stream.write(before)
        with suppress(ConnectionError):
            while server.poured < most:
                await stream.write(_PIECE)
                server.poured += len(_PIECE)
        return stream

    return misdeed


def flooding(server: HostileServer) -> Misdeed:
    """Send notifications without end."""
    line = b'data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n' * 1000

    async def misdeed(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        stream = await _streaming(request)
        with suppress(ConnectionError):
            while True:
                await stream.write(line)
                server.poured += len(line)
        return stream

    return misdeed


def stalling(content_type: str) -> Misdeed:
    """Begin an answer, and leave it at that."""

    async def misdeed(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        stream = await _streaming(request, content_type)
        await stream.write(b'{"jsonrpc":')
        await asyncio.Event().wait()
        return stream

    return misdeed


async def _streaming(
    request: web.Request, content_type: str = "text/event-stream"
) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": content_type})
    await stream.prepare(request)
    return stream
