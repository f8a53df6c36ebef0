"""A cable between a service and a server, which a test can hold or cut."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from socket import create_server, socket
from urllib.parse import parse_qs, urlsplit

__all__ = ["Cable", "cable_to_nats", "cable_to_postgres", "through"]

Dial = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]

_BYTES = 65_536


class Cable:
    """Relays TCP connections to *port* to wherever *dial* leads."""

    def __init__(self, dial: Dial) -> None:
        self.port = 0
        self._dial = dial
        self._is_cut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[asyncio.Task[None]] = set()

    def hold(self) -> None:
        """Keep back from now on what the service sends; it still hears."""
        self._flowing.clear()

    def cut(self) -> None:
        """Drop every connection and what was kept back; refuse new ones."""
        self._is_cut = True
        for link in self._links:
            link.cancel()

    def mend(self) -> None:
        self._is_cut = False
        self._flowing.set()

    @asynccontextmanager
    async def laid(
        self, host: str = "127.0.0.1", *, listening: socket | None = None
    ) -> AsyncIterator["Cable"]:
        """Take connections during the block, at a free port or where *listening* is."""
        own = listening or create_server((host, 0))
        async with asyncio.TaskGroup() as links:

            def accept(reader: StreamReader, writer: StreamWriter) -> None:
                link = links.create_task(self._link(reader, writer))
                self._links.add(link)
                link.add_done_callback(self._links.discard)

            server = await asyncio.start_server(accept, sock=own)
            self.port = own.getsockname()[1]
            try:
                yield self
            finally:
                server.close()
                self.cut()

    async def _link(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            if not self._is_cut:
                await self._relayed(reader, writer)
        except* OSError:
            pass  # one side has gone, so the other goes too
        finally:
            writer.transport.abort()

    async def _relayed(self, reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await self._dial()
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, far_writer, self._flowing))
                pumps.create_task(_pump(far_reader, writer, _always()))
        finally:
            far_writer.transport.abort()


async def _pump(
    reader: StreamReader, writer: StreamWriter, flowing: asyncio.Event
) -> None:
    """Pass on what comes; the end of it ends the other direction too."""
    while chunk := await reader.read(_BYTES):
        await flowing.wait()
        writer.write(chunk)
        await writer.drain()
    raise ConnectionResetError


def _always() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def cable_to_nats(url: str) -> Cable:
    parts = urlsplit(url)
    return Cable(lambda: asyncio.open_connection(parts.hostname, parts.port))


def cable_to_postgres(url: str) -> Cable:
    """Lead to where *url* leads: a socket named in its query, or a host."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if "host" not in query:
        return Cable(lambda: asyncio.open_connection(parts.hostname, parts.port))
    [folder], [port] = query["host"], query["port"]
    return Cable(lambda: asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}"))


def through(url: str, cable: Cable) -> str:
    """Return *url* of PostgreSQL, led through *cable*."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return f"postgresql://{login}@127.0.0.1:{cable.port}{parts.path}?sslmode=disable"
