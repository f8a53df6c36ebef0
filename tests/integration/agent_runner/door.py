"""A listener at which an agent tells the test how far it is, one line at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.listeners import stop_listening

__all__ = ["KNOCK", "Door", "open_door"]

# For bash: file descriptor 3 leads to the door.
KNOCK = (
    "door=${AG2TRUST_AGENT_URL#http://}; "
    'exec 3<>"/dev/tcp/${door%:*}/${door#*:}" || exit 9; '
)

_WITHIN_SECONDS = 30


class Door:
    """Listens to each agent that comes in a task of *tasks*, until it hangs up."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.url = ""
        self._tasks = tasks
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._agents: list[asyncio.StreamWriter] = []
        self._is_shut = False

    def say(self, line: str) -> None:
        """Tell every agent that has come so far."""
        for agent in self._agents:
            agent.write(f"{line}\n".encode())

    async def hears(self) -> str:
        """Wait for the next line of any agent; empty is an agent that hung up."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await self._lines.get()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear of an agent that has come; who comes as it shuts is sent away."""
        if self._is_shut:
            writer.transport.abort()
            return
        self._agents.append(writer)
        self._tasks.create_task(self._listen(reader, writer))

    def shut(self) -> None:
        """Hang up on all agents."""
        self._is_shut = True
        for agent in self._agents:
            agent.close()

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async for line in reader:
                self._lines.put_nowait(line.decode().strip())
        except ConnectionError:
            pass
        finally:
            writer.close()
        self._lines.put_nowait("")


@asynccontextmanager
async def open_door(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Door]:
    async with asyncio.TaskGroup() as tasks:
        door = Door(tasks)
        server = await asyncio.start_server(door.take, address, port)
        host, port = server.sockets[0].getsockname()
        door.url = f"http://{host}:{port}"
        try:
            yield door
        finally:
            stop_listening(server)
            door.shut()
