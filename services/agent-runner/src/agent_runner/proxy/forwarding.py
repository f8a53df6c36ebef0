"""Forwarding one model call: to the provider, and its answer back as it comes.

The order is the promise (DESIGN: §1, §8): the call is opened in the spool before the
request leaves, and settled before the client can take the answer for ended. A stream
that the provider cut is passed on as cut, for SDKs take a clean early end for success.
"""

import re
from datetime import UTC, datetime
from http import HTTPStatus

import structlog

from agent_runner.callers import ModelCaller
from agent_runner.http.answer import Answer
from agent_runner.http.client import Client
from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Fields, Reply
from agent_runner.http.urls import parted
from agent_runner.masking import SecretMask
from shared.contracts.base import Explanation
from shared.contracts.credentials import LeasedCredential
from shared.contracts.metrics import CallStatus
from shared.errors import UnavailableError, WireFormatMismatchError
from shared.provider_errors.explaining import explain
from shared.provider_errors.on_the_way import CUT_SHORT, OURS
from shared.provider_errors.reading import failure_in
from shared.provider_errors.rows import ErrorSource, Failure

from .admission import Admissions, Unlimited
from .calls import CallBook, OpenCall
from .headers import media_type_of, response_fields, signature, value_of
from .provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    ProviderFailedError,
    RedirectedError,
    failure_of,
)
from .wire_format import AnswerStream, Asked, Outgoing, WireFormat

__all__ = ["Forwarding"]

log = structlog.get_logger(__name__)

_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_REDIRECTION = int(HTTPStatus.MULTIPLE_CHOICES)
_REFUSAL = int(HTTPStatus.BAD_REQUEST)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Forwarding:
    def __init__(
        self, *, client: Client, book: CallBook, limits: Admissions | None = None
    ) -> None:
        self._client = client
        self._book = book
        self._limits = limits or Unlimited()

    async def forward(
        self,
        exchange: Exchange,
        agent: ModelCaller,
        wire_format: WireFormat,
        asked: Asked,
        *,
        request_id: str,
    ) -> None:
        """Forward an admitted call; a provider that fails is answered, not raised.

        Raises `WireFormatMismatchError`, `UnavailableError` for a provider that takes
        no calls, `LimitedError` and `SpoolFullError`, all before anything has left.
        Cancelled when the client goes away.
        """
        # A lease that is swapped meanwhile is the next call's.
        credential = agent.lease.credential
        _check(credential, wire_format)
        admission = await self._limits.admit(agent, credential, asked)
        try:
            outgoing = wire_format.outgoing(asked, credential, datetime.now(UTC))
            call = self._book.open(
                agent, asked, request_id=request_id, admission=admission
            )
        except BaseException:
            admission.give_back()
            raise
        passage = _Passage(exchange, call, wire_format, mask=SecretMask(agent.secrets))
        try:
            await passage.run(self._client, asked, outgoing)
        except FAILURES as error:
            await passage.failed(error)
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


class _Passage:
    """One call on its way: what the agent asked, and what it gets for it."""

    def __init__(
        self,
        exchange: Exchange,
        call: OpenCall,
        wire_format: WireFormat,
        *,
        mask: SecretMask,
    ) -> None:
        self._exchange = exchange
        self._call = call
        self._format = wire_format
        self._mask = mask

    async def run(self, client: Client, asked: Asked, outgoing: Outgoing) -> None:
        origin, target = parted(outgoing.url)
        async with client.asking(
            origin,
            method=b"POST",
            target=target,
            fields=outgoing.fields,
            body=asked.request.body,
        ) as answer:
            self._call.http_status = answer.status
            if answer.status >= _REFUSAL:
                await self._refused(answer)
                return
            if answer.status >= _REDIRECTION:
                raise RedirectedError
            stream = self._format.stream_of(asked, media_type_of(answer.fields))
            if stream is None:
                await self._whole(answer, asked)
            else:
                await self._streamed(answer, stream)

    async def failed(self, error: Exception) -> None:
        """Answer in the provider's place, which has no answer that could pass."""
        explanation = failure_of(error, has_answered=self._call.http_status is not None)
        self._settle_failed(explanation)
        refusal = self._format.refusal(
            ProviderFailedError(explanation), self._call.request_id
        )
        fields = [*refusal.fields, *self._signature()]
        await self._exchange.reply(Reply(refusal.status, fields, refusal.body))

    async def _refused(self, answer: Answer) -> None:
        """Pass the provider's own error on, but for a key that it repeats."""
        body = self._mask.hide_bytes(await self._body_of(answer))
        fields = self._dressed(answer)
        failure = failure_in(
            self._source,
            status=answer.status,
            headers=_decoded(answer.fields),
            body=body,
        )
        self._settle_failed(self._explained(failure))
        await self._exchange.reply(Reply(answer.status, fields, body))

    async def _whole(self, answer: Answer, asked: Asked) -> None:
        """Pass an answer on that comes in one piece, once it is settled."""
        body = await self._body_of(answer)
        outcome = self._format.outcome_of(
            asked, Reply(answer.status, answer.fields, body)
        )
        self._call.report = outcome.report
        fields = self._dressed(answer)
        if outcome.failure is None:
            self._call.settle(CallStatus.COMPLETED)
        else:
            self._settle_failed(self._explained(outcome.failure))
        await self._exchange.reply(Reply(answer.status, fields, body))

    async def _streamed(self, answer: Answer, stream: AnswerStream) -> None:
        """Pass events on as they come; settle before what ends the answer."""
        self._call.stream = stream
        self._exchange.begin(answer.status, self._dressed(answer))
        try:
            while data := await answer.read():
                released = stream.feed(data)
                self._note(stream)
                await self._exchange.write(released.body)
                if stream.has_ended:
                    self._settle(stream)
                    await self._exchange.write(self._mask.hide_bytes(released.end))
        except FAILURES as error:
            self._settle_failed(failure_of(error, has_answered=True))
            await self._exchange.write(stream.rest())
            return  # without an end: the agent's SDK sees the cut
        rest = stream.end()
        self._note(stream)
        self._settle(stream)
        await self._exchange.write(rest)
        if stream.has_ended or stream.is_complete:
            self._exchange.end()

    async def _body_of(self, answer: Answer) -> bytes:
        pieces, size = [], 0
        while data := await answer.read():
            self._exchange.hold(len(data))
            pieces.append(data)
            size += len(data)
            if size > _LONGEST_ANSWER_BYTES:
                raise AnswerTooLargeError
        return b"".join(pieces)

    def _note(self, stream: AnswerStream) -> None:
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

    def _dressed(self, answer: Answer) -> Fields:
        """Give the provider's fields, and ours; its request id is the call's now."""
        name = self._format.request_id_field
        given = value_of(answer.fields, name)
        # It is recorded, so it must be no key that the provider repeats.
        if _REQUEST_ID.fullmatch(given) and self._mask.hide(given) == given:
            self._call.request_id = given
        request_id = self._call.request_id.encode()
        ids = dict.fromkeys((name, b"x-request-id"), request_id)
        passing = [
            field for field in response_fields(answer.fields) if field[0] not in ids
        ]
        return [*passing, *ids.items(), *self._signature()]

    def _signature(self) -> Fields:
        record = self._call.record
        return signature(record.provider_id, record.model, attempts=1)


def _decoded(fields: Fields) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
