"""An agent made of bytes, for what no SDK does or shows."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .proxying import HELLO, KEY, MODEL, Proxy

__all__ = ["RawAgent", "chat", "raw_agent", "request"]

_WITHIN_SECONDS = 30
_SMALL_BUFFER_BYTES = 4096


def chat(**fields: object) -> bytes:
    """Make the body of a chat that streams."""
    body = {"model": MODEL, "messages": [HELLO], "stream": True, **fields}
    return json.dumps(body).encode()


def request(proxy: Proxy, body: bytes) -> bytes:
    return (
        b"POST %b/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
        b"Content-Length: %d\r\n\r\n%b"
        % (proxy.path.encode(), KEY.encode(), len(body), body)
    )


@dataclass
class RawAgent:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    arrived: bytearray = field(default_factory=bytearray)

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, mark: bytes) -> None:
        """Read until *mark* has arrived."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            while mark not in self.arrived:
                data = await self.reader.read(65536)
                assert data, f"the connection ended before {mark!r}"
                self.arrived += data

    async def until_closed(self) -> bytes:
        """Read to the end of the connection; return all that arrived."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            while data := await self.reader.read(65536):
                self.arrived += data
        return bytes(self.arrived)

    def leave(self) -> None:
        self.writer.close()


@asynccontextmanager
async def raw_agent(
    proxy: Proxy, sent: bytes, *, has_small_buffers: bool = False
) -> AsyncIterator[RawAgent]:
    """Connect to the proxy and send *sent* at once."""
    connection = socket.socket()
    if has_small_buffers:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    connection.setblocking(False)  # noqa: FBT003  a system call's argument
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", proxy.port))
    limit = _SMALL_BUFFER_BYTES if has_small_buffers else 65536
    reader, writer = await asyncio.open_connection(sock=connection, limit=limit)
    agent = RawAgent(reader, writer)
    agent.say(sent)
    try:
        yield agent
    finally:
        writer.transport.abort()
