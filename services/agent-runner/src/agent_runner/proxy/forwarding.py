"""Forwarding one model call: to the provider, and its answer back as it comes.

The order is the promise (DESIGN: §1, §8): the call is opened in the spool before the
request leaves, and settled before the client can take the answer for ended. A stream
that the provider cut is passed on as cut, for SDKs take a clean early end for success.
"""

import io
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import structlog
from aiohttp import web

from agent_runner.hosted_agents import HostedAgent
from agent_runner.masking import SecretMask
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallStatus
from shared.errors import UnavailableError, WireFormatMismatchError
from shared.provider_errors.explaining import explain
from shared.provider_errors.on_the_way import CUT_SHORT, OURS
from shared.provider_errors.reading import failure_in, failure_in_event
from shared.provider_errors.rows import ErrorSource, Failure

from .agent_connection import AgentConnection, AgentGoneError
from .calls import CallBook, OpenCall
from .chat_stream import ChatStream
from .headers import request_headers, response_headers
from .openai_refusals import refusal
from .openai_requests import ModelRequest, Route
from .openai_usage import usage_of
from .provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    ProviderFailedError,
    RedirectedError,
    failure_of,
)

__all__ = ["Forwarding"]

log = structlog.get_logger(__name__)

_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_PATIENCE = timedelta(minutes=10)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Forwarding:
    """*patience*: how long an agent may take over its request, or to read an answer."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        book: CallBook,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._session = session
        self._book = book
        self.patience = patience

    async def forward(
        self,
        request: web.Request,
        agent: HostedAgent,
        route: Route,
        model_request: ModelRequest,
        *,
        request_id: str,
    ) -> web.StreamResponse:
        """Forward an admitted call; a provider that fails is answered, not raised.

        Raises `WireFormatMismatchError`, `UnavailableError` for a provider that takes
        no calls, and `SpoolFullError`, all before anything has left.
        """
        way = _way_to(agent)
        call = self._book.open(agent, route, model_request, request_id=request_id)
        exchange = _Exchange(request, way, call, patience=self.patience)
        try:
            return await exchange.run(self._session, route, model_request)
        except FAILURES as error:
            return exchange.failed(error)
        except Exception:
            call.settle(CallStatus.FAILED, explanation=OURS)
            raise
        finally:
            # Only a client that went away leaves a call open until here.
            call.settle(CallStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a call goes and with which key; a lease swapped meanwhile is the next's."""

    base_url: str
    key: str = field(repr=False)
    mask: SecretMask


def _way_to(agent: HostedAgent) -> _Way:
    credential = agent.lease.credential
    if credential.type is not ProviderType.OPENAI:
        raise WireFormatMismatchError("The agent's provider does not speak OpenAI's.")
    if not credential.enabled:
        raise UnavailableError("The provider is disabled by its operator.")
    if "api_key" not in credential.fields:
        raise UnavailableError("The provider has no key; its operator must set one.")
    key = credential.fields["api_key"].get_secret_value()
    return _Way(credential.base_url.rstrip("/"), key, SecretMask({key, agent.token}))


class _Exchange:
    """One call on its way: what the agent asked, and what it gets for it."""

    def __init__(
        self, request: web.Request, way: _Way, call: OpenCall, *, patience: timedelta
    ) -> None:
        self._request = request
        self._way = way
        self._call = call
        self._patience = patience

    async def run(
        self, session: aiohttp.ClientSession, route: Route, model_request: ModelRequest
    ) -> web.StreamResponse:
        async with session.post(
            f"{self._way.base_url}/{route.path}",
            data=io.BytesIO(model_request.body),
            headers=request_headers(self._request.headers, key=self._way.key),
            allow_redirects=False,
        ) as upstream:
            self._call.http_status = upstream.status
            if upstream.status >= HTTPStatus.BAD_REQUEST:
                return await self._refused(upstream)
            if upstream.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise RedirectedError
            if route.may_stream and upstream.content_type == "text/event-stream":
                events = ChatStream(withholds_usage=model_request.withholds_usage)
                return await self._streamed(upstream, events)
            return await self._whole(upstream)

    def failed(self, error: Exception) -> web.Response:
        """Answer in the provider's place, which has no answer that could pass."""
        explanation = failure_of(error, has_answered=self._call.http_status is not None)
        self._settle_failed(explanation)
        response = refusal(ProviderFailedError(explanation), self._call.request_id)
        self._sign(response)
        return response

    async def _refused(self, upstream: aiohttp.ClientResponse) -> web.Response:
        """Pass the provider's own error on, but for a key that it repeats."""
        body = self._way.mask.hide_bytes(await _body_of(upstream))
        response = web.Response(status=upstream.status, body=body)
        self._dress(response, upstream)
        self._settle_failed(
            self._explained(
                failure_in(
                    ErrorSource.OPENAI,
                    status=upstream.status,
                    headers=upstream.headers,
                    body=body,
                )
            )
        )
        return response

    async def _whole(self, upstream: aiohttp.ClientResponse) -> web.Response:
        """Pass an answer on that comes in one piece, once it is settled."""
        body = await _body_of(upstream)
        self._call.usage = usage_of(_json(body))
        response = web.Response(status=upstream.status, body=body)
        self._dress(response, upstream)
        self._call.settle(CallStatus.COMPLETED)
        return response

    async def _streamed(
        self, upstream: aiohttp.ClientResponse, events: ChatStream
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status)
        self._dress(response, upstream)
        agent = AgentConnection(self._request, response, patience=self._patience)
        try:
            await agent.begin()
            await self._relay(upstream, events, agent)
        except AgentGoneError:
            self._call.settle(CallStatus.CANCELLED)
        finally:
            agent.close_unless_whole()
        return response

    async def _relay(
        self,
        upstream: aiohttp.ClientResponse,
        events: ChatStream,
        agent: AgentConnection,
    ) -> None:
        """Pass events on as they come; settle before what ends the answer."""
        try:
            async for data in upstream.content.iter_any():
                released = events.feed(data)
                self._note(events)
                await agent.write(released.body)
                if events.has_ended:
                    self._settle(events)
                    await agent.write(self._way.mask.hide_bytes(released.end))
        except FAILURES as error:
            self._settle_failed(failure_of(error, has_answered=True))
            await agent.write(events.rest())
            return
        rest = events.end()
        self._note(events)
        self._settle(events)
        await agent.write(rest)
        if events.has_ended or events.is_complete:
            await agent.end()

    def _note(self, events: ChatStream) -> None:
        self._call.usage = events.usage
        if events.has_content:
            self._call.has_token()

    def _settle(self, events: ChatStream) -> None:
        if events.error is not None:
            failure = failure_in_event(ErrorSource.OPENAI, events.error)
            self._settle_failed(self._explained(failure))
        elif events.is_complete:
            self._call.settle(CallStatus.COMPLETED)
        else:
            self._settle_failed(CUT_SHORT)

    def _explained(self, failure: Failure) -> Explanation:
        return explain(ErrorSource.OPENAI, failure, hide=self._way.mask.hide)

    def _settle_failed(self, explanation: Explanation) -> None:
        if not self._call.is_settled:
            log.info(
                "call.failed",
                call=str(self._call.record.call_id),
                code=explanation.code,
                http_status=self._call.http_status,
            )
        self._call.settle(CallStatus.FAILED, explanation=explanation)

    def _dress(
        self, response: web.StreamResponse, upstream: aiohttp.ClientResponse
    ) -> None:
        """Put on the provider's headers, and ours; its request id is the call's now."""
        headers = response_headers(upstream.headers)
        given = headers.get("x-request-id", "")
        # It is recorded, so it must be no key that the provider repeats.
        if _REQUEST_ID.fullmatch(given) and self._way.mask.hide(given) == given:
            self._call.request_id = given
        headers["x-request-id"] = self._call.request_id
        response.headers.update(headers)
        self._sign(response)

    def _sign(self, response: web.StreamResponse) -> None:
        record = self._call.record
        response.headers["x-ag2trust-provider"] = str(record.provider_id)
        response.headers["x-ag2trust-model"] = quote(record.model, safe="/:@+,=")
        response.headers["x-ag2trust-attempts"] = "1"


async def _body_of(upstream: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in upstream.content.iter_any():
        body += data
        if len(body) > _LONGEST_ANSWER_BYTES:
            raise AnswerTooLargeError
    return bytes(body)


def _json(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed
