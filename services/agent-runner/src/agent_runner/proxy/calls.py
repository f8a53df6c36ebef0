"""Accounting for calls: opened before they leave, settled once whatever their end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

from agent_runner.hosted_agents import HostedAgent, MessageInHand
from agent_runner.spool.spool import Spool
from shared.contracts.base import Explanation
from shared.contracts.metrics import (
    AttemptRecord,
    CallRecord,
    CallStatus,
    Usage,
    UsageSource,
)
from shared.ids import new_id

from .usage import NOT_REPORTED, Report
from .wire_format import Asked

__all__ = ["CallBook", "OpenCall", "interrupted"]


@dataclass(slots=True)
class OpenCall:
    """An admitted call, and what is known of it so far.

    Times are of the monotonic clock. *request_id* is what the client is told: the
    provider's, once it has given one.
    """

    record: CallRecord
    spool: Spool
    in_hand: MessageInHand | None
    request_id: str
    began: float = field(default_factory=monotonic)
    first_token: float | None = None
    http_status: int | None = None
    report: Report = NOT_REPORTED
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

    def _ended(self, status: CallStatus, explanation: Explanation | None) -> CallRecord:
        duration_ms = _milliseconds(monotonic() - self.began)
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
                "usage": self.report.usage or Usage(),
                "usage_source": UsageSource.REPORTED
                if self.report.usage
                else UsageSource.NONE,
                "explanation": explanation,
                "attempts": [attempt],
            }
        )


class CallBook:
    """Opens calls in the spool of one runner."""

    def __init__(self, spool: Spool, *, runner: str) -> None:
        self._spool = spool
        self._runner = runner

    def open(self, agent: HostedAgent, asked: Asked, *, request_id: str) -> OpenCall:
        """Account for a call before it leaves; raises `SpoolFullError` otherwise."""
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
        self._spool.open_call(record.call_id, encoded(record))
        return OpenCall(
            record=record,
            spool=self._spool,
            in_hand=agent.in_hand,
            request_id=request_id,
        )


def interrupted(_: UUID, opened: bytes) -> bytes:
    """Settle what a dead process left open: it was opened as `interrupted`."""
    return opened


def encoded(record: CallRecord) -> bytes:
    return record.model_dump_json(exclude_none=True).encode()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
