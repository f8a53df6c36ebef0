"""The way to Docker's socket, for a test to cut and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

__all__ = ["EngineCable", "engine_cable"]

_PIECE_BYTES = 64 * 1024


class EngineCable:
    def __init__(self, engine: Path, socket: Path) -> None:
        self.socket = socket
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_unix_server(self._carry, self.socket)

    async def cut(self) -> None:
        """Break every connection; refuse new ones."""
        assert self._server
        self._server.close()
        self.socket.unlink()
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        to_reader, to_writer = await asyncio.open_unix_connection(self._engine)
        ends = {writer, to_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pipe(reader, to_writer))
                group.create_task(_pipe(to_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()


@asynccontextmanager
async def engine_cable(engine: Path, socket: Path) -> AsyncIterator[EngineCable]:
    cable = EngineCable(engine, socket)
    await cable.mend()
    try:
        yield cable
    finally:
        await cable.cut()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
