"""Forwarding one model call: to the provider, and its answer back as it comes.

The order is the promise (DESIGN: §1, §8): the call is opened in the spool before the
request leaves, and settled before the client can take the answer for ended. A stream
that the provider cut is passed on as cut, for SDKs take a clean early end for success.
"""

import io
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from agent_runner.hosted_agents import HostedAgent
from agent_runner.masking import SecretMask
from shared.contracts.base import Explanation
from shared.contracts.credentials import LeasedCredential
from shared.contracts.metrics import CallStatus
from shared.errors import UnavailableError, WireFormatMismatchError
from shared.provider_errors.explaining import explain
from shared.provider_errors.on_the_way import CUT_SHORT, OURS
from shared.provider_errors.reading import failure_in
from shared.provider_errors.rows import ErrorSource, Failure

from .agent_connection import AgentConnection, AgentGoneError
from .calls import CallBook, OpenCall
from .headers import response_fields, value_of
from .messages import headers_of, response_of
from .provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    ProviderFailedError,
    RedirectedError,
    failure_of,
)
from .wire_format import AnswerStream, Asked, Outgoing, Reply, WireFormat

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
        wire_format: WireFormat,
        asked: Asked,
        *,
        request_id: str,
    ) -> web.StreamResponse:
        """Forward an admitted call; a provider that fails is answered, not raised.

        Raises `WireFormatMismatchError`, `UnavailableError` for a provider that takes
        no calls, and `SpoolFullError`, all before anything has left.
        """
        # A lease that is swapped meanwhile is the next call's.
        credential = agent.lease.credential
        _check(credential, wire_format)
        outgoing = wire_format.outgoing(asked, credential, datetime.now(UTC))
        call = self._book.open(agent, asked, request_id=request_id)
        exchange = _Exchange(
            request,
            call,
            wire_format,
            mask=SecretMask(agent.secrets),
            patience=self.patience,
        )
        try:
            return await exchange.run(self._session, asked, outgoing)
        except FAILURES as error:
            return exchange.failed(error)
        except Exception:
            call.settle(CallStatus.FAILED, explanation=OURS)
            raise
        finally:
            # Only a client that went away leaves a call open until here.
            call.settle(CallStatus.CANCELLED)


def _check(credential: LeasedCredential, wire_format: WireFormat) -> None:
    if credential.type is not wire_format.provider_type:
        raise WireFormatMismatchError(
            f"The agent's provider is of the type {credential.type}, whose wire format"
            " is not this path's."
        )
    if not credential.enabled:
        raise UnavailableError("The provider is disabled by its operator.")


class _Exchange:
    """One call on its way: what the agent asked, and what it gets for it."""

    def __init__(
        self,
        request: web.Request,
        call: OpenCall,
        wire_format: WireFormat,
        *,
        mask: SecretMask,
        patience: timedelta,
    ) -> None:
        self._request = request
        self._call = call
        self._format = wire_format
        self._mask = mask
        self._patience = patience

    async def run(
        self, session: aiohttp.ClientSession, asked: Asked, outgoing: Outgoing
    ) -> web.StreamResponse:
        async with session.post(
            URL(outgoing.url, encoded=True),
            data=io.BytesIO(asked.request.body),
            headers=headers_of(outgoing.fields),
            allow_redirects=False,
        ) as upstream:
            self._call.http_status = upstream.status
            if upstream.status >= HTTPStatus.BAD_REQUEST:
                return await self._refused(upstream)
            if upstream.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise RedirectedError
            stream = self._format.stream_of(asked, upstream.content_type)
            if stream is not None:
                return await self._streamed(upstream, stream)
            return await self._whole(upstream, asked)

    def failed(self, error: Exception) -> web.Response:
        """Answer in the provider's place, which has no answer that could pass."""
        explanation = failure_of(error, has_answered=self._call.http_status is not None)
        self._settle_failed(explanation)
        refusal = self._format.refusal(
            ProviderFailedError(explanation), self._call.request_id
        )
        response = response_of(refusal)
        self._sign(response)
        return response

    async def _refused(self, upstream: aiohttp.ClientResponse) -> web.Response:
        """Pass the provider's own error on, but for a key that it repeats."""
        body = self._mask.hide_bytes(await _body_of(upstream))
        response = web.Response(status=upstream.status, body=body)
        self._dress(response, upstream)
        failure = failure_in(
            self._source, status=upstream.status, headers=upstream.headers, body=body
        )
        self._settle_failed(self._explained(failure))
        return response

    async def _whole(
        self, upstream: aiohttp.ClientResponse, asked: Asked
    ) -> web.Response:
        """Pass an answer on that comes in one piece, once it is settled."""
        body = await _body_of(upstream)
        outcome = self._format.outcome_of(
            asked, Reply(upstream.status, upstream.raw_headers, body)
        )
        self._call.report = outcome.report
        response = web.Response(status=upstream.status, body=body)
        self._dress(response, upstream)
        if outcome.failure is None:
            self._call.settle(CallStatus.COMPLETED)
        else:
            self._settle_failed(self._explained(outcome.failure))
        return response

    async def _streamed(
        self, upstream: aiohttp.ClientResponse, stream: AnswerStream
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status)
        self._dress(response, upstream)
        agent = AgentConnection(self._request, response, patience=self._patience)
        try:
            await agent.begin()
            await self._relay(upstream, stream, agent)
        except AgentGoneError:
            self._call.settle(CallStatus.CANCELLED)
        finally:
            agent.close_unless_whole()
        return response

    async def _relay(
        self,
        upstream: aiohttp.ClientResponse,
        stream: AnswerStream,
        agent: AgentConnection,
    ) -> None:
        """Pass events on as they come; settle before what ends the answer."""
        try:
            async for data in upstream.content.iter_any():
                released = stream.feed(data)
                self._note(stream)
                await agent.write(released.body)
                if stream.has_ended:
                    self._settle(stream)
                    await agent.write(self._mask.hide_bytes(released.end))
        except FAILURES as error:
            self._settle_failed(failure_of(error, has_answered=True))
            await agent.write(stream.rest())
            return
        rest = stream.end()
        self._note(stream)
        self._settle(stream)
        await agent.write(rest)
        if stream.has_ended or stream.is_complete:
            await agent.end()

    def _note(self, stream: AnswerStream) -> None:
        self._call.report = stream.report
        if stream.has_content:
            self._call.has_token()

    def _settle(self, stream: AnswerStream) -> None:
        if stream.failure is not None:
            self._settle_failed(self._explained(stream.failure))
        elif stream.is_complete:
            self._call.settle(CallStatus.COMPLETED)
        else:
            self._settle_failed(CUT_SHORT)

    @property
    def _source(self) -> ErrorSource:
        return ErrorSource(self._format.provider_type.value)

    def _explained(self, failure: Failure) -> Explanation:
        return explain(self._source, failure, hide=self._mask.hide)

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
        name = self._format.request_id_field
        given = value_of(upstream.raw_headers, name)
        # It is recorded, so it must be no key that the provider repeats.
        if _REQUEST_ID.fullmatch(given) and self._mask.hide(given) == given:
            self._call.request_id = given
        headers = headers_of(response_fields(upstream.raw_headers))
        headers[name.decode()] = headers["x-request-id"] = self._call.request_id
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
