"""A listener at which an agent tells the test how far it is, one line at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["KNOCK", "Door", "open_door"]

# For bash: file descriptor 3 leads to the door.
KNOCK = (
    "door=${AG2TRUST_AGENT_URL#http://}; "
    'exec 3<>"/dev/tcp/${door%:*}/${door#*:}" || exit 9; '
)

_WITHIN_SECONDS = 30


class Door:
    def __init__(self) -> None:
        self.url = ""
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._agents: list[asyncio.StreamWriter] = []

    def say(self, line: str) -> None:
        """Tell every agent that has come so far."""
        for agent in self._agents:
            agent.write(f"{line}\n".encode())

    async def hears(self) -> str:
        """Wait for the next line of any agent; empty is an agent that hung up."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await self._lines.get()

    async def listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._agents.append(writer)
        try:
            async for line in reader:
                self._lines.put_nowait(line.decode().strip())
            self._lines.put_nowait("")
        finally:
            writer.close()


@asynccontextmanager
async def open_door(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Door]:
    door = Door()
    server = await asyncio.start_server(door.listen, address, port)
    host, port = server.sockets[0].getsockname()
    door.url = f"http://{host}:{port}"
    async with server:
        yield door
