"""The way to Docker's socket, for a test to cut and mend, or to clog."""

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
        self.clogged = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._clogs: bytes | None = None
        self._is_cut = False

    async def mend(self) -> None:
        self._is_cut = False
        self._server = await asyncio.start_unix_server(self._accept, self.socket)

    async def cut(self) -> None:
        """Break every connection; refuse new ones."""
        assert self._server
        self._is_cut = True
        self._server.close()
        self.socket.unlink()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._carrying)

    def clog(self, request: bytes) -> None:
        """Hold back requests with *request* in their first line; tell by `clogged`."""
        self._clogs = request

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry for who has come; who comes as it is cut is sent away."""
        if self._is_cut:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        to_reader, to_writer = await asyncio.open_unix_connection(self._engine)
        ends = {writer, to_writer}
        self._writers |= ends
        if self._is_cut:
            for end in ends:
                end.transport.abort()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pipe(reader, to_writer))
                group.create_task(self._pipe(to_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(_PIECE_BYTES):
                if self._clogs and self._clogs in piece.partition(b"\r\n")[0]:
                    self.clogged.set()
                    await reader.read()  # until the other side gives up
                    return
                writer.write(piece)
                await writer.drain()
            writer.write_eof()


@asynccontextmanager
async def engine_cable(engine: Path, socket: Path) -> AsyncIterator[EngineCable]:
    cable = EngineCable(engine, socket)
    await cable.mend()
    try:
        yield cable
    finally:
        await cable.cut()
