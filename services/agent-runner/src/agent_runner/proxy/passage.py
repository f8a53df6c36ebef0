"""One attempt: a request to a provider, and its answer back as it comes.

The order is the promise: the call is opened in the spool before the request leaves, and
settled before the client can take the answer for ended. A stream that the provider cut
is passed on as cut, for SDKs take a clean early end for success.

An attempt that *may move on* holds back what the provider fails with, and the head of a
stream, until it has said something: nothing of it was released then, and the next
candidate may be asked.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import structlog

from agent_runner.http.answer import Answer
from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Fields, Reply
from agent_runner.masking import SecretMask
from shared.contracts.base import Explanation
from shared.contracts.metrics import CallStatus
from shared.provider_errors.explaining import explain
from shared.provider_errors.on_the_way import CUT_SHORT
from shared.provider_errors.reading import failure_in
from shared.provider_errors.rows import ErrorSource, Failure

from .calls import OpenCall
from .candidates import Leg
from .dressing import dressed
from .headers import media_type_of, signature
from .moving_on import moves_on, never_left, retry_after
from .provider_failures import (
    FAILURES,
    AnswerTooLargeError,
    ProviderFailedError,
    RedirectedError,
    failure_of,
)
from .wire_format import AnswerStream, Asked, Outcome

__all__ = ["Ask", "Failed", "Passage"]

log = structlog.get_logger(__name__)

_LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_LONGEST_HEAD_BYTES = 64 * 1024
_REDIRECTION = int(HTTPStatus.MULTIPLE_CHOICES)
_REFUSAL = int(HTTPStatus.BAD_REQUEST)
_BAD_GATEWAY = int(HTTPStatus.BAD_GATEWAY)
_HEEDED = frozenset({b"retry-after", b"retry-after-ms", b"x-should-retry"})
Ask = Callable[[], AbstractAsyncContextManager[Answer]]
"""Asks the provider, and gives its answer while the block runs."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What an attempt came to that moves on, and what its client would be told."""

    reply: Reply
    explanation: Explanation
    http_status: int | None = None
    retry_after_seconds: float | None = None


class Passage:
    """*explanation* says why the call failed, once its answer has been given."""

    def __init__(
        self,
        exchange: Exchange,
        call: OpenCall,
        leg: Leg,
        *,
        mask: SecretMask,
        may_move_on: bool,
    ) -> None:
        self.explanation: Explanation | None = None
        self._exchange = exchange
        self._call = call
        self._format = leg.wire_format
        self._asked = leg.asked
        self._model = leg.asked.request.model
        self._provider_id = leg.credential.provider_id
        self._mask = mask
        self._may_move_on = may_move_on

    async def run(self, ask: Ask) -> Failed | None:
        """Answer the client; or say what came of it, if the next is to be asked."""
        try:
            return await self._run(ask)
        except FAILURES as error:
            failed = self._failed(error)
            if self._may_move_on and never_left(error):
                return failed
        await self.answer(failed)
        return None

    async def answer(self, failed: Failed) -> None:
        """Answer with a failure, which ends the call."""
        self._call.http_status = failed.http_status
        self._settle_failed(failed.explanation)
        reply = failed.reply
        fields = [*reply.fields, *self._signature()]
        await self._exchange.reply(Reply(reply.status, fields, reply.body))

    async def _run(self, ask: Ask) -> Failed | None:
        async with ask() as answer:
            self._call.http_status = answer.status
            if answer.status >= _REFUSAL:
                return await self._refused(answer)
            if answer.status >= _REDIRECTION:
                raise RedirectedError
            stream = self._format.stream_of(self._asked, media_type_of(answer.fields))
            if stream is not None:
                return await self._streamed(answer, stream)
            await self._whole(answer)
            return None

    def _failed(self, error: Exception) -> Failed:
        """Word a failure in the provider's place, which has no answer that passes."""
        http_status = self._call.http_status
        explanation = failure_of(error, has_answered=http_status is not None)
        refusal = self._format.refusal(
            ProviderFailedError(explanation), self._call.request_id
        )
        return Failed(refusal, explanation, http_status)

    async def _refused(self, answer: Answer) -> Failed | None:
        """Pass the provider's own error on, but for a key that it repeats."""
        body = self._mask.hide_bytes(await self._body_of(answer))
        failure = failure_in(
            self._source,
            status=answer.status,
            headers=_decoded(answer.fields),
            body=body,
        )
        explanation = self._explained(failure)
        failed = Failed(
            self._worded(answer, body, explanation),
            explanation,
            answer.status,
            retry_after(answer.fields, datetime.now(UTC)),
        )
        if self._may_move_on and moves_on(failed.explanation):
            return failed
        await self.answer(failed)
        return None

    def _worded(self, answer: Answer, body: bytes, explanation: Explanation) -> Reply:
        """Pass a provider's error on, in the client's words where they differ."""
        hide = self._mask.hide_bytes
        fields = [(name, hide(value)) for name, value in self._dressed(answer)]
        if self._format.translation is None:
            return Reply(answer.status, fields, body)
        told = self._format.translation.refused(answer.status, explanation)
        return Reply(told.status, fields, told.body)

    async def _whole(self, answer: Answer) -> None:
        """Pass an answer on that comes in one piece, once it is settled."""
        body = await self._body_of(answer)
        outcome = self._format.outcome_of(
            self._asked, Reply(answer.status, answer.fields, body)
        )
        self._call.report = outcome.report
        reply = Reply(answer.status, self._dressed(answer), body)
        if outcome.failure is None:
            self._call.settle(CallStatus.COMPLETED)
            reply = self._in_the_clients_words(reply, outcome)
        else:
            explanation = self._explained(outcome.failure)
            self._settle_failed(explanation)
            if self._format.translation is not None:
                told = self._format.translation.refused(_BAD_GATEWAY, explanation)
                reply = Reply(told.status, reply.fields, told.body)
        fields = [*reply.fields, *self._signature()]
        await self._exchange.reply(Reply(reply.status, fields, reply.body))

    def _in_the_clients_words(self, reply: Reply, outcome: Outcome) -> Reply:
        if self._format.translation is None:
            return reply
        body = self._format.translation.whole(self._asked, reply.body, outcome)
        return Reply(reply.status, reply.fields, body)

    async def _streamed(self, answer: Answer, stream: AnswerStream) -> Failed | None:
        """Pass events on as they come; settle before what ends the answer."""
        self._call.stream = stream
        fields = self._dressed(answer)
        if not self._may_move_on:
            self._begin(answer, fields)
        elif (failed := await self._head(answer, stream, fields)) is not None:
            return failed
        try:
            while data := await answer.read():
                self.pass_on(stream, data)
                await self._exchange.until_read()
        except FAILURES as error:
            self.cut(stream, error)
        else:
            self.end(stream)
        await self._exchange.until_read()
        return None

    def pass_on(self, stream: AnswerStream, data: bytes) -> None:
        """Pass on what came; settle before what ends the answer."""
        released = stream.feed(data)
        self._note(stream)
        self._exchange.send(released.body)
        self._send_end(stream, released.end)

    def end(self, stream: AnswerStream) -> None:
        """Take the clean end of a stream."""
        rest = stream.end()
        self._note(stream)
        self._settle(stream)
        self._exchange.send(rest)
        if stream.has_ended or stream.is_complete:
            self._exchange.end()

    def cut(self, stream: AnswerStream, error: Exception) -> None:
        """Take the break of a stream; without an end the agent's SDK sees the cut."""
        self._settle_failed(failure_of(error, has_answered=True))
        self._exchange.send(stream.rest())

    async def _head(
        self, answer: Answer, stream: AnswerStream, fields: Fields
    ) -> Failed | None:
        """Hold back what comes before the first word; then begin to pass it on.

        A failure instead of that word was released to nobody.
        """
        held = bytearray()
        while data := await answer.read():
            released = stream.feed(data)
            self._note(stream)
            held += released.body
            if stream.failure is not None and not stream.has_content:
                explanation = self._explained(stream.failure)
                if moves_on(explanation):
                    body = self._mask.hide_bytes(bytes(held) + released.end)
                    return Failed(
                        Reply(answer.status, fields, body), explanation, answer.status
                    )
            is_long = len(held) > _LONGEST_HEAD_BYTES
            if stream.has_content or stream.has_ended or is_long:
                self._begin(answer, fields)
                self._exchange.send(bytes(held))
                self._send_end(stream, released.end)
                await self._exchange.until_read()
                return None
        self._begin(answer, fields)
        await self._exchange.write(bytes(held))
        return None

    def _begin(self, answer: Answer, fields: Fields) -> None:
        self._exchange.begin(answer.status, [*fields, *self._signature()])

    def _send_end(self, stream: AnswerStream, end: bytes) -> None:
        if stream.has_ended:
            self._settle(stream)
            self._exchange.send(self._mask.hide_bytes(end))

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
            self.explanation = explanation
            log.info(
                "call.failed",
                call=self._call.own.call_id.text,
                code=explanation.code,
                http_status=self._call.http_status,
            )
        self._call.settle(CallStatus.FAILED, explanation=explanation)

    def _dressed(self, answer: Answer) -> Fields:
        fields = dressed(answer.fields, self._call, self._format, self._mask)
        if self._format.translation is None:
            return fields
        request_id = (b"x-request-id", self._call.request_id.encode())
        return [_media_type(answer, self._asked), *_waits(fields), request_id]

    def _signature(self) -> Fields:
        return signature(
            self._provider_id, self._model, attempts=self._call.attempts_made
        )


def _media_type(answer: Answer, asked: Asked) -> tuple[bytes, bytes]:
    is_streamed = asked.request.is_streamed and answer.status < _REFUSAL
    value = b"text/event-stream; charset=utf-8" if is_streamed else b"application/json"
    return b"content-type", value


def _waits(fields: Fields) -> Fields:
    """Give those fields that a client of any format heeds."""
    return [field for field in fields if field[0] in _HEEDED]


def _decoded(fields: Fields) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
