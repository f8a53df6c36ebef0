"""Forwarding one model call: to the provider, and its answer back as it comes.

The order is the promise (DESIGN: §1, §8): the call is opened in the spool before the
request leaves, and settled before the client can take the answer for ended. A stream
that the provider cut is passed on as cut, for SDKs take a clean early end for success.
"""

import json
from collections.abc import Awaitable
from http import HTTPStatus

import aiohttp
import structlog
from aiohttp import web

from agent_runner.hosted_agents import HostedAgent
from shared.contracts.base import Explanation
from shared.contracts.metrics import CallStatus
from shared.errors import UpstreamError

from .calls import CallBook, OpenCall
from .openai_errors import explain, explain_error
from .openai_requests import ModelRequest, Route
from .openai_usage import ChatStream, usage_of
from .upstream import request_headers, response_headers

__all__ = ["Forwarding"]

log = structlog.get_logger(__name__)

_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_CUT = Explanation(
    code="STREAM_INTERRUPTED",
    message="The provider's answer broke off.",
    cause="The provider or the network closed the connection before the end.",
    fix="Try again; if it lasts, see the provider's status page.",
    retryable=True,
)
_UNREACHABLE = Explanation(
    code="UPSTREAM_UNREACHABLE",
    message="The provider could not be reached.",
    cause="Its address is wrong, refused, forbidden, or it did not answer in time.",
    fix="Check the provider's base URL and the runner's way to it.",
    retryable=True,
)


class Forwarding:
    def __init__(self, *, session: aiohttp.ClientSession, book: CallBook) -> None:
        self._session = session
        self._book = book

    async def forward(
        self,
        request: web.Request,
        agent: HostedAgent,
        route: Route,
        model_request: ModelRequest,
        *,
        request_id: str,
    ) -> web.StreamResponse:
        call = self._book.open(agent, route, model_request, request_id=request_id)
        try:
            return await self._answered(request, agent, model_request, call)
        except _ClientGoneError as error:
            raise ConnectionResetError from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            call.settle(CallStatus.FAILED, explanation=_UNREACHABLE)
            log.warning("provider.unreachable", error=type(error).__name__)
            raise UpstreamError(_UNREACHABLE.message) from error
        finally:
            call.settle(CallStatus.CANCELLED)

    async def _answered(
        self,
        request: web.Request,
        agent: HostedAgent,
        model_request: ModelRequest,
        call: OpenCall,
    ) -> web.StreamResponse:
        credential = agent.lease.credential
        path = request.match_info["path"]
        key = credential.fields["api_key"].get_secret_value()
        async with self._session.post(
            f"{credential.base_url.rstrip('/')}/{path}",
            data=model_request.body,
            headers=request_headers(request.headers, key=key),
            allow_redirects=False,
        ) as upstream:
            call.http_status = upstream.status
            if _is_event_stream(upstream):
                return await _stream(request, upstream, call, model_request)
            return await _whole(upstream, call)


async def _whole(upstream: aiohttp.ClientResponse, call: OpenCall) -> web.Response:
    """Pass an answer on that comes in one piece, once it is settled."""
    body = await upstream.content.read(_LONGEST_ANSWER_BYTES + 1)
    while not upstream.content.at_eof():
        body += await upstream.content.read(_LONGEST_ANSWER_BYTES + 1)
        if len(body) > _LONGEST_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too large")
    if upstream.status < HTTPStatus.BAD_REQUEST:
        call.settle(CallStatus.COMPLETED, usage=usage_of(_json(body)))
    else:
        call.settle(
            CallStatus.FAILED, explanation=explain(upstream.status, _json(body))
        )
    response = web.Response(status=upstream.status, body=body)
    _dress(response, upstream, call)
    return response


async def _stream(
    request: web.Request,
    upstream: aiohttp.ClientResponse,
    call: OpenCall,
    model_request: ModelRequest,
) -> web.StreamResponse:
    """Pass events on as they come; settle before the one that ends the answer."""
    response = web.StreamResponse(status=upstream.status)
    _dress(response, upstream, call)
    events = ChatStream(withholds_usage=model_request.withholds_usage)
    client = _Client(request, response)
    await client.prepare()
    try:
        async for data in upstream.content.iter_any():
            call.has_token()
            for released in events.feed(data):
                if released.is_end:
                    _settle_stream(call, events)
                await client.write(released.data)
    except (aiohttp.ClientPayloadError, TimeoutError, ValueError):
        return client.cut(call)
    if not (events.is_done or call.is_settled):
        return client.cut(call)
    _settle_stream(call, events)
    await client.write(events.rest())
    await client.end()
    return response


class _ClientGoneError(Exception):
    """The agent went away while its answer was being written."""


class _Client:
    """The agent's side of a stream, whose failures are not the provider's."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response

    async def prepare(self) -> None:
        await self._told(self._response.prepare(self._request))

    async def write(self, data: bytes) -> None:
        if data:
            await self._told(self._response.write(data))

    async def end(self) -> None:
        await self._told(self._response.write_eof())

    def cut(self, call: OpenCall) -> web.StreamResponse:
        """Close without the final chunk, so that the client sees the break too."""
        call.settle(CallStatus.FAILED, explanation=_CUT)
        if self._request.transport is not None:
            self._request.transport.close()
        return self._response

    @staticmethod
    async def _told(step: Awaitable[object]) -> None:
        try:
            await step
        except ConnectionError as error:
            raise _ClientGoneError from error


def _settle_stream(call: OpenCall, events: ChatStream) -> None:
    if events.error is not None:
        call.settle(
            CallStatus.FAILED,
            usage=events.usage,
            explanation=explain_error(HTTPStatus.OK, events.error),
        )
        return
    call.settle(CallStatus.COMPLETED, usage=events.usage)


def _dress(
    response: web.StreamResponse, upstream: aiohttp.ClientResponse, call: OpenCall
) -> None:
    headers = response_headers(upstream.headers)
    response.headers.update(headers)
    response.headers.setdefault("x-request-id", call.record.request_id)
    response.headers["x-ag2trust-provider"] = str(call.record.provider_id)
    response.headers["x-ag2trust-model"] = call.record.model
    response.headers["x-ag2trust-attempts"] = "1"


def _is_event_stream(upstream: aiohttp.ClientResponse) -> bool:
    return upstream.status == HTTPStatus.OK and upstream.content_type == (
        "text/event-stream"
    )


def _json(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed
