"""The official package's own MCP server, on loopback: the oracle of our client."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Image
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OfficialServer", "serving_officially"]


@dataclass
class OfficialServer:
    """*heard* are the headers of every request, by their names in lower case."""

    url: str
    mcp: MCPServer
    heard: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving_officially(
    *, json_response: bool = False, stateless: bool = False
) -> AsyncIterator[OfficialServer]:
    """Serve a few tools; one more may be added or changed through `mcp` at any time."""
    mcp = _some_tools()
    listener = socket.create_server(("127.0.0.1", 0))
    served = OfficialServer(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", mcp)
    app = mcp.streamable_http_app(json_response=json_response, stateless_http=stateless)
    server = uvicorn.Server(
        uvicorn.Config(
            _listening(app, served), lifespan="on", log_config=None, ws="none"
        )
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield served
        finally:
            server.should_exit = True


def _some_tools() -> MCPServer:
    mcp = MCPServer("oracle")

    @mcp.tool()
    def add(one: int, other: int) -> int:
        """Add two numbers."""
        return one + other

    @mcp.tool()
    def fail() -> str:
        """Fail, always."""
        raise ValueError("of its own accord")

    @mcp.tool()
    def draw() -> Image:
        """Draw a picture."""
        return Image(data=b"\x89PNG", format="png")

    return mcp


def _listening(app: ASGIApp, served: OfficialServer) -> ASGIApp:
    async def heard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            served.methods.append(scope["method"])
            served.heard.append(
                {name.decode(): value.decode() for name, value in scope["headers"]}
            )
        await app(scope, receive, send)

    return heard
