"""Who may speak with the broker, and how a conversation goes: one request, one answer.

Only processes of one account are heard, which the kernel vouches for. What a runner
sends for an agent's standard input is held until the agent has it, and nowhere else.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
)
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from shared.errors import AppError, ForbiddenError, MalformedError
from shared.timeouts import timeout

from .broker import Broker
from .finishing import done
from .wire import (
    PIECE_HEADER,
    REQUEST,
    CheckImage,
    ConnectAgent,
    CountRefused,
    Done,
    Ended,
    FailureTold,
    FollowOutput,
    GetState,
    LaunchAgent,
    Launched,
    Request,
    StopAgent,
    Survey,
    WatchEnds,
)

__all__ = ["listening"]

log = structlog.get_logger(__name__)

_REQUEST_WITHIN = timedelta(seconds=10)
_MAX_REQUEST_BYTES = 16 * 1024
_FRAME_BYTES = frozenset(range(0x20, 0x7F)) | {ord("\n")}
_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


@asynccontextmanager
async def listening(
    path: Path, broker: Broker, *, peer_uid: int
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Serve *broker* to processes of *peer_uid* on a socket at *path*.

    Yields what to wait for until nobody is speaking with it. Leaving ends every
    conversation; agents that run go on.
    """
    async with asyncio.TaskGroup() as conversations:
        listener = _Listener(broker, peer_uid, conversations)
        server = await asyncio.start_unix_server(
            listener.accept, sock=_bound(path), limit=_MAX_REQUEST_BYTES
        )
        try:
            yield listener.hung_up
        finally:
            server.close()
            listener.close()


class _Listener:
    def __init__(
        self, broker: Broker, peer_uid: int, conversations: asyncio.TaskGroup
    ) -> None:
        self._broker = broker
        self._peer_uid = peer_uid
        self._conversations = conversations
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = self._conversations.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def hung_up(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                await _Conversation(self._broker, reader, writer).run(self._peer_uid)
        finally:
            writer.close()


class _Conversation:
    def __init__(
        self, broker: Broker, reader: StreamReader, writer: StreamWriter
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._writer = writer
        self._has_answered = False

    async def run(self, peer_uid: int) -> None:
        """Keep its failure from other conversations: an edge of the service."""
        try:
            _check_peer(self._writer, peer_uid)
            await self._do(await _request(self._reader))
        except AppError as error:
            log.info("request.refused", code=error.code, reason=error.message)
            await self._tell_failure(error)
        except ConnectionError:
            raise
        except Exception:
            log.exception("request.crashed")
            await self._tell_failure(AppError())

    async def _do(self, request: Request) -> None:
        match request:
            case LaunchAgent():
                frame = await _frame(self._reader, request.frame_bytes)
                await self._unless_gone(self._launch(request, frame))
            case FollowOutput():
                await self._unless_gone(self._follow(request))
            case WatchEnds():
                await self._unless_gone(self._watch())
            case _:
                await self._tell(await self._answer(request))

    async def _answer(
        self,
        request: ConnectAgent
        | StopAgent
        | Survey
        | GetState
        | CheckImage
        | CountRefused,
    ) -> BaseModel:
        match request:
            case ConnectAgent():
                return await self._broker.connect(request)
            case StopAgent():
                return await self._broker.stop(request)
            case Survey():
                return await self._broker.survey()
            case GetState():
                return await self._broker.state(request)
            case CheckImage():
                return await self._broker.check_image(request)
            case CountRefused():
                return await self._broker.refused()

    async def _launch(self, request: LaunchAgent, frame: bytes) -> None:
        async with self._broker.launched(request, frame) as (container_id, attachment):
            await self._tell(Launched(container_id=container_id))
            await self._pass_on(attachment.pieces())

    async def _follow(self, request: FollowOutput) -> None:
        async with self._broker.output(request) as attachment:
            await self._tell(Done())
            await self._pass_on(attachment.pieces())

    async def _watch(self) -> None:
        async with self._broker.ends() as ends:
            await self._tell(Done())
            async for container_id in ends:
                await self._tell(Ended(container_id=container_id))

    async def _unless_gone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, and give it up once the other side hangs up or speaks again."""
        working = asyncio.ensure_future(work)
        hearing = asyncio.ensure_future(self._reader.read(1))
        both = {working, hearing}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in both:
                each.cancel()
            await done(*both)
        if not working.cancelled():
            working.result()

    async def _pass_on(self, pieces: AsyncGenerator[tuple[int, bytes], None]) -> None:
        """Hand output over no faster than it is taken, keeping none of it."""
        async with aclosing(pieces):
            async for stream, piece in pieces:
                self._writer.write(PIECE_HEADER.pack(stream, len(piece)) + piece)
                await self._writer.drain()

    async def _tell(self, words: BaseModel) -> None:
        self._has_answered = True
        self._writer.write(words.model_dump_json().encode() + b"\n")
        await self._writer.drain()

    async def _tell_failure(self, error: AppError) -> None:
        """Once there is an answer, what follows is no place for words: hang up."""
        if not self._has_answered:
            await self._tell(FailureTold(code=error.code, failure=error.message))


def _check_peer(writer: StreamWriter, peer_uid: int) -> None:
    peer: socket.socket = writer.get_extra_info("socket")
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _, uid, _ = _UCRED.unpack(told)
    if uid != peer_uid:
        raise ForbiddenError(f"Processes of account {uid} are not served here.")


def _bound(path: Path) -> socket.socket:
    """Take the place of a broker that was killed; its socket leads nowhere.

    Whoever may enter the folder may connect, and is then asked who it is.
    """
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(0o666)
    except OSError:
        bound.close()
        raise
    return bound


async def _request(reader: StreamReader) -> Request:
    """Read a request, without ever quoting it."""
    try:
        async with timeout(_REQUEST_WITHIN.total_seconds()):
            line = await reader.readuntil(b"\n")
        return REQUEST.validate_json(line)
    except (TimeoutError, asyncio.IncompleteReadError) as error:
        raise MalformedError("No request came.") from error
    except (ValidationError, asyncio.LimitOverrunError) as error:
        raise MalformedError("This is no request to a launch broker.") from error


async def _frame(reader: StreamReader, length: int) -> bytes:
    """Read an agent's environment; the init reads it once more, and more strictly.

    But shells pass over NUL and disagree about bytes that are no text.
    """
    try:
        async with timeout(_REQUEST_WITHIN.total_seconds()):
            frame = await reader.readexactly(length)
    except (TimeoutError, asyncio.IncompleteReadError) as error:
        raise MalformedError("The agent's environment ended early.") from error
    if not _FRAME_BYTES.issuperset(frame):
        raise MalformedError("The agent's environment is not lines of graphic ASCII.")
    return frame
