"""How a reply is written to its connection."""

import asyncio

from aiohttp import web

from .reply import Ending, Reply

__all__ = ["send"]


async def send(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Write *reply* at its pace and leave the connection as its ending says."""
    if reply.latency_seconds:
        await asyncio.sleep(reply.latency_seconds)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = reply.announced_bytes
    if not reply.is_silent:
        await _write(request, response, reply)
    await _end(request, reply.ending)
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, reply: Reply
) -> None:
    await response.prepare(request)
    for index, piece in enumerate(reply.pieces):
        if index and reply.pace_seconds:
            await asyncio.sleep(reply.pace_seconds)
        await response.write(piece)


async def _end(request: web.Request, ending: Ending) -> None:
    match ending:
        case Ending.DONE:
            pass  # aiohttp ends the message once the handler returned it
        case Ending.CUT:
            _cut(request)
        case Ending.HANG:
            # Cancelled when the client leaves or the server stops.
            await asyncio.get_running_loop().create_future()


def _cut(request: web.Request) -> None:
    """Close without the rest of the message.

    `close` and not `abort`: what was written before still arrives, so that a cut after
    n frames is seen after exactly n. aiohttp finds the transport closing and does not
    write the end of the message.
    """
    if request.transport is not None:
        request.transport.close()
