"""Accounting for calls: opened before they leave, settled once whatever their end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from uuid import UUID

from agent_runner.callers import ModelCaller
from agent_runner.hosted_agents import MessageInHand
from agent_runner.spool.spool import Spool
from shared.contracts.base import Explanation
from shared.contracts.metrics import (
    AttemptRecord,
    CallRecord,
    CallStatus,
)
from shared.ids import new_id
from shared.provider_errors.on_the_way import ON_THE_WAY

from .counting import SILENCE, End, counted, estimated_input
from .labels import labels_in, laid_together
from .usage import NOT_REPORTED, Report
from .wire_format import AnswerStream, Asked

__all__ = ["CallBook", "OpenCall", "interrupted"]


_MOST_OPENED_BYTES = 3072


@dataclass(slots=True)
class OpenCall:
    """An admitted call, and what is known of it so far.

    Times are of the monotonic clock. *request_id* is what the client is told: the
    provider's, once it has given one. *report* is that of an answer in one piece; a
    *stream* has its own.
    """

    record: CallRecord
    body: bytes = field(repr=False)
    spool: Spool
    in_hand: MessageInHand | None
    request_id: str
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
        record = self._ended(status, explanation)
        self.spool.settle(record.call_id, encoded(record))
        if self.in_hand is not None:
            self.in_hand.add(record.usage, failure=explanation)

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

    def _ended(self, status: CallStatus, explanation: Explanation | None) -> CallRecord:
        duration_ms = _milliseconds(monotonic() - self.began)
        count = counted(
            self._end(status, explanation),
            self.report if self.stream is None else self.stream.report,
            SILENCE if self.stream is None else self.stream.spoken,
            estimate_input=lambda: estimated_input(self.body),
        )
        first_token = self.first_token
        attempt = AttemptRecord(
            attempt_id=new_id(),
            provider_id=self.record.provider_id,
            model=self.record.model,
            started_at=self.record.started_at,
            duration_ms=duration_ms,
            http_status=self.http_status,
            error_code=explanation.code if explanation else None,
        )
        return self.record.model_copy(
            update={
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
                "attempts": [attempt],
            }
        )


class CallBook:
    """Opens calls in the spool of one runner."""

    def __init__(self, spool: Spool, *, runner: str) -> None:
        self._spool = spool
        self._runner = runner

    def open(self, agent: ModelCaller, asked: Asked, *, request_id: str) -> OpenCall:
        """Account for a call before it leaves.

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
        self._spool.open_call(record.call_id, encoded(record))
        return OpenCall(
            record=record,
            body=asked.request.body,
            spool=self._spool,
            in_hand=agent.in_hand,
            request_id=request_id,
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


def encoded(record: CallRecord) -> bytes:
    return record.model_dump_json(exclude_none=True).encode()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
