"""The listeners of the agents' HTTP: one port, on as many addresses as agents need.

Model calls are the many and must be fast, so our own HTTP serves them. The agent
protocol is rare, and aiohttp serves it: a connection whose next request goes there is
handed over for good. So that none comes back with a model call, aiohttp closes a
connection after one answer.
"""

import re
from asyncio import Protocol
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from agent_runner.http.deadlines import Deadlines
from agent_runner.http.exchange import Application, InCallbacks, in_a_task
from agent_runner.http.limits import Limits
from agent_runner.http.server import Server, serving
from agent_runner.http.turn import Turn

__all__ = ["answered_once", "open_doors"]

_AGENT_PROTOCOL = re.compile(rb"[A-Z]{1,16} /agent/")

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answered_once(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Close the connection after its answer, and say so in it."""
    response = await handler(request)
    if not response.prepared:
        response.force_close()
    return response


@asynccontextmanager
async def open_doors(
    calls: Application,
    agent_protocol: web.Application,
    *,
    deadlines: Deadlines,
    limits: Limits,
    address: str,
    port: int,
    in_callbacks: InCallbacks = in_a_task,
    turn: Turn | None = None,
) -> AsyncIterator[Server]:
    """Listen on *address* while the block runs; port 0 takes any free one.

    Whoever answers is cancelled when the client goes away, so that nothing goes on for
    nobody. *agent_protocol* wears `answered_once`.
    """
    runner = web.AppRunner(
        agent_protocol,
        handle_signals=False,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=limits.finish.total_seconds(),
        keepalive_timeout=limits.idle.total_seconds(),
        auto_decompress=False,
    )
    await runner.setup()

    def elsewhere(request: bytes) -> Protocol | None:
        is_theirs = _AGENT_PROTOCOL.match(request) is not None
        return runner.server() if is_theirs and runner.server else None

    try:
        async with serving(
            calls,
            deadlines=deadlines,
            limits=limits,
            elsewhere=elsewhere,
            in_callbacks=in_callbacks,
            port=port,
            turn=turn,
        ) as doors:
            await doors.open(address, for_good=True)
            yield doors
    finally:
        await runner.cleanup()
