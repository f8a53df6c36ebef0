"""Speaks to a launch broker as an attacker would: any bytes, and any fields."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from agent_runner.broker.wire import PIECE_HEADER
from agent_runner.runtimes.launch_frame import launch_frame
from shared.ids import new_id

from .docker_lab import EPOCH, ORG

__all__ = ["FRAME", "BrokerLine", "calling", "connected", "launch_request", "told"]

_WITHIN_SECONDS = 60
FRAME = launch_frame({})


class BrokerLine:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, request: bytes | dict[str, Any], frame: bytes = b"") -> None:
        if isinstance(request, dict):
            request = json.dumps(request).encode() + b"\n"
        self._writer.write(request + frame)
        await self._writer.drain()

    def end(self) -> None:
        """Say that nothing more will come, and go on listening."""
        self._writer.write_eof()

    async def hears(self) -> Any:
        """Return the next line; None if the broker hung up."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            line = await self._reader.readline()
        return json.loads(line) if line else None

    async def all_pieces(self) -> bytes:
        """Return what follows until the broker hangs up: an agent's output."""
        said = b""
        async with asyncio.timeout(_WITHIN_SECONDS):
            rest = await self._reader.read()
        while rest:
            _, length = PIECE_HEADER.unpack_from(rest)
            end = PIECE_HEADER.size + length
            said, rest = said + rest[PIECE_HEADER.size : end], rest[end:]
        return said


@asynccontextmanager
async def calling(broker: Path) -> AsyncIterator[BrokerLine]:
    reader, writer = await asyncio.open_unix_connection(broker)
    try:
        yield BrokerLine(reader, writer)
    finally:
        writer.close()


async def told(
    broker: Path, request: bytes | dict[str, Any], frame: bytes = b""
) -> Any:
    """Put one request; return its answer."""
    async with calling(broker) as line:
        await line.say(request, frame)
        return await line.hears()


def launch_request(agent_id: UUID, image: str) -> dict[str, Any]:
    """Return a request that is granted, with `FRAME`."""
    return {
        "ask": "launch_agent",
        "agent_id": str(agent_id),
        "org_id": str(ORG),
        "epoch": EPOCH,
        "image": image,
        "limits": {"memory_mb": 64, "cpus": 1, "pids": 64},
        "frame_bytes": len(FRAME),
    }


async def connected(broker: Path) -> UUID:
    """Connect a new agent; return its id."""
    agent_id = new_id()
    request = {"agent_id": str(agent_id), "org_id": str(ORG), "epoch": EPOCH}
    answer = await told(broker, {"ask": "connect_agent", **request})
    assert answer["address"]
    return agent_id
