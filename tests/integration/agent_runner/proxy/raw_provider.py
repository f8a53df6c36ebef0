"""A provider made of bytes, for what no well-behaved server sends."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = [
    "CHUNKS",
    "DONE",
    "EVENT_STREAM",
    "Conversation",
    "RawProvider",
    "chunk",
    "raw_provider",
    "whole",
]

EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
CHUNKS = tuple(
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n' % word
    for word in (b"Good ", b"day", b".")
)
DONE = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    """Frame *data* as a chunk of HTTP; none is the last chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes, *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """Make an answer in one piece; *headers* are lines with their ends."""
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status.encode(),
        len(body),
        headers,
        body,
    )


@dataclass
class Conversation:
    """One request, and the connection it came on."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def until_left(self) -> None:
        """Wait until the client closes the connection."""
        try:
            await self.reader.read()
        except ConnectionError:
            return

    def reset(self) -> None:
        """Break the connection without a farewell (RST)."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass
class RawProvider:
    base_url: str
    connections: int = 0
    asked: list[Conversation] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    was_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_asked(self, *, times: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.asked) < times:
                self.was_asked.clear()
                await self.was_asked.wait()

    async def until_left(self, *, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await self.was_left.wait()


Answer = Callable[[Conversation], Awaitable[None]]


@asynccontextmanager
async def raw_provider(
    answer: Answer, *, host: str = "127.0.0.1", reads_body: bool = True
) -> AsyncIterator[RawProvider]:
    """Serve one request a connection with *answer*, and close it afterwards."""
    provider = RawProvider(base_url="")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        provider.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head)) if reads_body else b""
            conversation = Conversation(head, body, reader, writer)
            provider.asked.append(conversation)
            provider.was_asked.set()
            await answer(conversation)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            provider.was_left.set()
            writer.close()

    server = await asyncio.start_server(serve, host, 0)
    provider.base_url = f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield provider


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(
        int(line.partition(b":")[2])
        for line in lines
        if line.startswith(b"content-length:")
    )
