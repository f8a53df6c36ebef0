import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ag2trust_sandbox.reply import Ending, Reply
from ag2trust_sandbox.sending import send

FRAMES = (b"x" * 8192,) * 6
"""More than the sockets below take, less than aiohttp waits for."""

CUT = Reply(
    status=200,
    headers={},
    pieces=FRAMES,
    announced_bytes=None,
    ending=Ending.CUT,
    is_silent=False,
    latency_seconds=0,
    pace_seconds=0,
)


@asynccontextmanager
async def answering(reply: Reply) -> AsyncIterator[int]:
    """Answer every request with *reply* through small buffers; yields the port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await send(request, reply)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, handle_signals=False)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await web.SockSite(runner, listener).start()
        try:
            yield listener.getsockname()[1]
        finally:
            await runner.cleanup()


async def test_a_cut_loses_nothing_that_was_sent_before() -> None:
    """With `abort` in place of `close` only the first few frames arrive."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with answering(CUT) as port:
            connection.connect(("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=connection)
            writer.write(b"GET / HTTP/1.1\r\nhost: sandbox\r\n\r\n")

            received = await reader.read()
            writer.close()

    assert received.count(b"x") == sum(map(len, FRAMES))
    assert not received.endswith(b"0\r\n\r\n")
