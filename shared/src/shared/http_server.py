"""Serving an application, and refusing in our own words what is no HTTP at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLContext

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from .errors import AppError, MalformedError
from .http import refusal
from .ids import new_id
from .listeners import stop_listening

__all__ = ["TlsPort", "listening"]

log = structlog.get_logger(__name__)

_SECONDS_TO_FINISH = 8.0


@dataclass(frozen=True, slots=True)
class TlsPort:
    """A port at which TLS is spoken, and what proves who speaks it."""

    number: int
    context: SSLContext


@asynccontextmanager
async def listening(
    app: web.Application, *, host: str, port: int, tls: TlsPort | None = None
) -> AsyncIterator[int]:
    """Serve *app* while the block runs; yields the port (of use when 0 was asked).

    With *tls* it is served there, too. Open requests may finish before leaving, for a
    few seconds.
    """
    runner = web.AppRunner(
        app, handle_signals=False, shutdown_timeout=_SECONDS_TO_FINISH
    )
    await runner.setup()
    try:
        with ExitStack() as listeners:
            listener = await _listener(runner, host, port)
            listeners.callback(stop_listening, listener)
            if tls is not None:
                also = await _listener(runner, host, tls.number, tls.context)
                listeners.callback(stop_listening, also)
            yield listener.sockets[0].getsockname()[1]
    finally:
        await runner.cleanup()


async def _listener(
    runner: web.AppRunner, host: str, port: int, tls: SSLContext | None = None
) -> asyncio.Server:
    """Listen with our own protocol, which a `TCPSite` has no place for."""
    loop = asyncio.get_running_loop()
    server = runner.server
    assert server  # noqa: S101 - for the type checker: `setup` made it

    def protocol() -> _Protocol:
        return _Protocol(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None is documented
        )

    return await loop.create_server(protocol, host, port, ssl=tls)


class _Protocol(web.RequestHandler):
    """Answers what cannot be read, or crashed outside of every handler.

    aiohttp's own words are plain text that quotes the request, and so is what it logs.
    """

    __slots__ = ()

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,
    ) -> tuple[web.StreamResponse, bool]:
        """Answer an expectation that is not met, which no middleware hears of."""
        if isinstance(resp, web.HTTPExpectationFailed):
            error = MalformedError("The only expectation taken is 100-continue.")
            resp = refusal(error, str(new_id()))
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message
        request_id = str(new_id())
        error = _error(status, exc)
        log.warning("request.refused", code=error.code, request_id=request_id)
        if request.writer.output_size > 0:
            raise ConnectionError("An answer has begun; there cannot be another.")
        response = refusal(error, request_id)
        response.force_close()
        return response


def _error(status: int, exc: BaseException | None) -> AppError:
    if isinstance(exc, LineTooLong):
        return MalformedError("The address, or a header, is too long.")
    if status == HTTPStatus.BAD_REQUEST:
        return MalformedError("The request is not HTTP as it should be.")
    return AppError()
