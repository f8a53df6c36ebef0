"""The launch broker, as its runner sees it: one connection for each request."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agent_runner.broker.wire import (
    LEAST_CPUS,
    MAX_LINE_BYTES,
    PIECE_HEADER,
    Done,
    Ended,
    FailureTold,
    FollowOutput,
    LaunchAgent,
    Launched,
    Limits,
    Request,
    WatchEnds,
)
from agent_runner.runtimes.errors import (
    EngineUnavailableError,
    ImageNotFoundError,
    ImageRefusedError,
    LaunchFailedError,
)
from agent_runner.runtimes.runtime import Launch
from shared.errors import AppError
from shared.timeouts import timeout

__all__ = ["Broker", "Pieces"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)

Pieces = AsyncGenerator[tuple[int, bytes], None]

# Longer than the broker waits for Docker, several times over.
_ANSWER_WITHIN = timedelta(minutes=5)
# Of an agent's output, before it is read; twice as much is the most.
_HELD_BYTES = 64 * 1024
_ERRORS: dict[str, type[AppError]] = {
    error.code: error
    for error in (
        EngineUnavailableError,
        ImageNotFoundError,
        ImageRefusedError,
        LaunchFailedError,
    )
}


class Broker:
    """Every method raises what the broker tells, or EngineUnavailableError."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def ask(self, request: Request, answer: type[AnswerT]) -> AnswerT:
        async with self._asked(request, answer, limit=MAX_LINE_BYTES) as (told, _):
            return told

    @asynccontextmanager
    async def launched(
        self, launch: Launch, frame: bytes
    ) -> AsyncIterator[tuple[str, Pieces]]:
        """Launch an agent; yield its container's id, and what it prints."""
        request = LaunchAgent(
            agent_id=launch.agent_id,
            org_id=launch.org_id,
            epoch=launch.epoch,
            image=launch.image,
            limits=Limits(
                memory_mb=launch.resources.memory_mb,
                cpus=max(launch.resources.cpus, LEAST_CPUS),
                pids=launch.resources.pids,
            ),
            frame_bytes=len(frame),
        )
        async with self._asked(request, Launched, frame=frame) as (told, reader):
            yield told.container_id, _pieces(reader)

    @asynccontextmanager
    async def output(self, container_id: str) -> AsyncIterator[Pieces]:
        """Yield what an agent prints from now on."""
        request = FollowOutput(container_id=container_id)
        async with self._asked(request, Done) as (_, reader):
            yield _pieces(reader)

    @asynccontextmanager
    async def ends(self) -> AsyncIterator[AsyncGenerator[str, None]]:
        """Subscribe, then yield the id of each container that ends, for a while."""
        async with (
            self._asked(WatchEnds(), Done) as (_, reader),
            aclosing(_ends(reader)) as ends,
        ):
            yield ends

    @asynccontextmanager
    async def _asked(
        self,
        request: Request,
        answer: type[AnswerT],
        *,
        frame: bytes = b"",
        limit: int = _HELD_BYTES,
    ) -> AsyncIterator[tuple[AnswerT, StreamReader]]:
        async with self._connected(limit) as (reader, writer):
            with _translated():
                writer.write(request.model_dump_json().encode() + b"\n" + frame)
                await writer.drain()
                async with timeout(_ANSWER_WITHIN.total_seconds()):
                    line = await reader.readuntil(b"\n")
            yield _read(line, answer), reader

    @asynccontextmanager
    async def _connected(
        self, limit: int
    ) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        with _translated():
            reader, writer = await asyncio.open_unix_connection(
                self._socket, limit=limit
            )
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _pieces(reader: StreamReader) -> Pieces:
    """Yield (1 for output or 2 for errors, data) until the agent ends.

    Or until the broker hangs up: who watches the agent sees what became of it.
    """
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            header = await reader.readexactly(PIECE_HEADER.size)
            stream, length = PIECE_HEADER.unpack(header)
            yield stream, await reader.readexactly(length)


async def _ends(reader: StreamReader) -> AsyncGenerator[str, None]:
    with _translated():
        while line := await reader.readline():
            yield _read(line, Ended).container_id


def _read(line: bytes, answer: type[AnswerT]) -> AnswerT:
    """Raise the error that *line* tells, if it tells one."""
    with suppress(ValidationError):
        return answer.model_validate_json(line)
    try:
        told = FailureTold.model_validate_json(line)
    except ValidationError as error:
        raise EngineUnavailableError(
            "The launch broker gave an answer that cannot be read."
        ) from error
    raise _ERRORS.get(told.code, AppError)(told.failure)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        TimeoutError,
        asyncio.IncompleteReadError,
        asyncio.LimitOverrunError,
    ) as error:
        raise EngineUnavailableError("The launch broker does not answer.") from error
