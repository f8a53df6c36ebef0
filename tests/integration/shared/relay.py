"""A relay between a client and a server, which can fall silent or speak out of turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

__all__ = ["Relay", "relaying"]

_CHUNK = 65_536


class Relay:
    """Carries bytes both ways on each link until that link is told to fall silent."""

    def __init__(self, to_port: int) -> None:
        self.url = ""
        self._to_port = to_port
        self._links: list[tuple[asyncio.Event, asyncio.StreamWriter]] = []

    def fall_silent(self) -> None:
        """Take nothing and pass nothing on, on every link there is; new ones work."""
        for may_flow, _ in self._links:
            may_flow.clear()

    def say(self, words: bytes) -> None:
        """Say *words* to every client, as if they came from the server."""
        for _, to_client in self._links:
            to_client.write(words)

    async def link(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        from_server, to_server = await asyncio.open_connection(
            "127.0.0.1", self._to_port
        )
        may_flow = asyncio.Event()
        may_flow.set()
        self._links.append((may_flow, to_client))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(from_client, to_server, may_flow))
                group.create_task(_carry(from_server, to_client, may_flow))
        except* OSError:
            """The link is over, which is what links do here."""
        finally:
            to_server.transport.abort()
            to_client.transport.abort()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_flow: asyncio.Event
) -> None:
    while chunk := await reader.read(_CHUNK):
        await may_flow.wait()
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


@asynccontextmanager
async def relaying(server_url: str) -> AsyncIterator[Relay]:
    """Relay to the server at *server_url* during the block."""
    relay = Relay(urlsplit(server_url).port or 4222)
    async with asyncio.TaskGroup() as links:
        tasks: list[asyncio.Task[None]] = []

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.append(links.create_task(relay.link(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        relay.url = f"nats://127.0.0.1:{port}"
        try:
            yield relay
        finally:
            server.close()
            for task in tasks:
                task.cancel()
