"""Accounting for calls: opened before they leave, settled once whatever their end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from agent_runner.callers import ModelCaller
from agent_runner.hosted_agents import MessageInHand
from agent_runner.spool.spool import Spool
from shared.contracts.base import Explanation
from shared.contracts.metrics import CallRecord, CallStatus
from shared.ids import new_id
from shared.provider_errors.on_the_way import ON_THE_WAY

from .admission import Admission
from .counting import SILENCE, Count, End, counted, estimated_input
from .labels import labels_in, laid_together
from .usage import NOT_REPORTED, Report
from .wire_format import AnswerStream, Asked

__all__ = ["CallBook", "OpenCall", "interrupted"]

_MOST_OPENED_BYTES = 3072
_JSON = CallRecord.__pydantic_serializer__
_CHANGING = {
    "request_id",
    "status",
    "http_status",
    "duration_ms",
    "time_to_first_token_ms",
    "usage",
    "usage_source",
    "explanation",
    "attempts",
}


@dataclass(slots=True)
class OpenCall:
    """An admitted call, and what is known of it so far.

    Times are of the monotonic clock. *request_id* is what the client is told: the
    provider's, once it has given one. *lasting* is the `lasting_part` of *record*.
    *report* is that of an answer in one piece; a
    *stream* has its own.
    """

    record: CallRecord
    lasting: bytes = field(repr=False)
    body: bytes = field(repr=False)
    spool: Spool
    in_hand: MessageInHand | None
    request_id: str
    admission: Admission
    began: float = field(default_factory=monotonic)
    first_token: float | None = None
    http_status: int | None = None
    report: Report = NOT_REPORTED
    stream: AnswerStream | None = None
    is_settled: bool = False

    def has_token(self) -> None:
        """Note when a stream first said something."""
        if self.first_token is None:
            self.first_token = monotonic()

    def settle(
        self, status: CallStatus, *, explanation: Explanation | None = None
    ) -> None:
        """Write how the call ended; only the first end counts.

        Raises `SpoolBrokenError`: the next opening of the spool settles it.
        """
        if self.is_settled:
            return
        self.is_settled = True
        end = self._end(status, explanation)
        count = self._count(end)
        self.admission.settle(end, count)
        self.spool.settle(self.record.call_id, self._ended(status, explanation, count))
        if self.in_hand is not None:
            self.in_hand.add(count.usage, failure=explanation)

    def _end(self, status: CallStatus, explanation: Explanation | None) -> End:
        """Say how the call ended, as far as what it used is concerned."""
        if status is CallStatus.COMPLETED:
            return End.ANSWERED
        if status is CallStatus.CANCELLED:
            return End.ABANDONED
        if self.http_status is None:
            return End.UNANSWERED
        if self.http_status >= HTTPStatus.MULTIPLE_CHOICES:
            return End.REFUSED
        return End.BROKEN if explanation in ON_THE_WAY else End.FAILED

    def _count(self, end: End) -> Count:
        return counted(
            end,
            self.report if self.stream is None else self.stream.report,
            SILENCE if self.stream is None else self.stream.spoken,
            estimate_input=lambda: estimated_input(self.body),
        )

    def _ended(
        self, status: CallStatus, explanation: Explanation | None, count: Count
    ) -> bytes:
        """Write the `CallRecord` of the call, of which only this was not known before.

        As a model of its own it would cost twice as much, on every call.
        """
        duration_ms = _milliseconds(monotonic() - self.began)
        first_token = self.first_token
        return _joined(
            self.lasting,
            {
                "request_id": self.request_id,
                "status": status,
                "http_status": self.http_status,
                "duration_ms": duration_ms,
                "time_to_first_token_ms": None
                if first_token is None
                else _milliseconds(first_token - self.began),
                "usage": count.usage,
                "usage_source": count.source,
                "explanation": explanation,
                "attempts": [
                    {
                        "attempt_id": new_id(),
                        "provider_id": self.record.provider_id,
                        "model": self.record.model,
                        "started_at": self.record.started_at,
                        "duration_ms": duration_ms,
                        "http_status": self.http_status,
                        "error_code": explanation.code if explanation else None,
                    }
                ],
            },
        )


class CallBook:
    """Opens calls in the spool of one runner."""

    def __init__(self, spool: Spool, *, runner: str) -> None:
        self._spool = spool
        self._runner = runner

    def open(
        self,
        agent: ModelCaller,
        asked: Asked,
        *,
        request_id: str,
        admission: Admission,
    ) -> OpenCall:
        """Account for a call before it leaves; it settles *admission*, too.

        Raises `SpoolFullError`, and `MalformedError` for labels that are none.
        """
        record = CallRecord(
            call_id=new_id(),
            org_id=agent.org_id,
            agent_id=agent.id,
            agent_type_id=agent.agent_type.id,
            provider_id=agent.agent_type.provider_id,
            provider_type=agent.lease.credential.type,
            use_case=agent.agent_type.use_case,
            model=asked.request.model,
            endpoint=asked.route.endpoint,
            is_streamed=asked.request.is_streamed,
            message_id=agent.in_hand.message_id if agent.in_hand else None,
            runner=self._runner,
            request_id=request_id,
            status=CallStatus.INTERRUPTED,
            started_at=datetime.now(UTC),
        )
        if labels := _labels(agent, asked, record):
            record = record.model_copy(update={"labels": labels})
        lasting = lasting_part(record)
        self._spool.open_call(record.call_id, opened(record, lasting))
        return OpenCall(
            record=record,
            lasting=lasting,
            body=asked.request.body,
            spool=self._spool,
            in_hand=agent.in_hand,
            request_id=request_id,
            admission=admission,
        )


def _labels(agent: ModelCaller, asked: Asked, record: CallRecord) -> dict[str, str]:
    """Lay together what *record* has room for beside the longest explanation."""
    own = labels_in(asked.fields)
    of_the_type = agent.agent_type.labels
    of_the_provider = agent.lease.credential.labels
    if not (own or of_the_type or of_the_provider):
        return {}
    room_bytes = _MOST_OPENED_BYTES - len(encoded(record))
    return laid_together(of_the_type, of_the_provider, own, room_bytes=room_bytes)


def interrupted(_: UUID, opened: bytes) -> bytes:
    """Settle what a dead process left open: it was opened as `interrupted`."""
    return opened


def lasting_part(record: CallRecord) -> bytes:
    """Encode what will not change until the call has ended."""
    return _JSON.to_json(record, exclude=_CHANGING, exclude_none=True)


def opened(record: CallRecord, lasting: bytes) -> bytes:
    """Encode *record* as it is opened; *lasting* is its `lasting_part`."""
    return _joined(lasting, {"request_id": record.request_id, "status": record.status})


def encoded(record: CallRecord) -> bytes:
    return opened(record, lasting_part(record))


def _joined(lasting: bytes, more: Mapping[str, Any]) -> bytes:
    """Make one JSON object of two."""
    return lasting[:-1] + b"," + to_json(more, exclude_none=True)[1:]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
