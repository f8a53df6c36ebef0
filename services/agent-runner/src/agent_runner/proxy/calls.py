"""Accounting for calls: opened before they leave, settled once whatever their end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic

from agent_runner.callers import ModelCaller
from agent_runner.hosted_agents import MessageInHand
from agent_runner.spool.format import MAX_SETTLED_PAYLOAD_BYTES
from agent_runner.spool.spool import Spool
from shared.contracts.base import Explanation
from shared.contracts.credentials import LeasedCredential
from shared.contracts.metrics import CallStatus
from shared.ids import new_id_text, new_written_id
from shared.provider_errors.on_the_way import ON_THE_WAY, TIMED_OUT

from .admission import Admission
from .call_record import (
    Common,
    Entry,
    Own,
    attempt,
    ended,
    entry_of,
    lasting_part,
    opened,
)
from .counting import SILENCE, Count, End, counted, estimated_input
from .labels import labels_in, laid_together
from .turn_records import TurnRecords
from .usage import NOT_REPORTED, Report
from .wire_format import AnswerStream, Asked
from .written_clock import WrittenClock

__all__ = ["CallBook", "OpenCall", "interrupted"]

_MOST_OPENED_BYTES = 3072
_MOST_OWN_BYTES = 512


@dataclass(slots=True)
class OpenCall:
    """An admitted call, and what is known of it so far.

    Times are of the monotonic clock. *request_id* is what the client is told: the
    provider's, once it has given one. *lasting* is what was written of it
    and will not change. *report* is that of an answer in one piece; a
    *stream* has its own. All of these are of the attempt that is being made, *attempts*
    are those that have ended.
    """

    own: Own
    entry: Entry
    lasting: bytes = field(repr=False)
    body: bytes = field(repr=False)
    spool: Spool
    in_hand: MessageInHand | None
    request_id: str
    admission: Admission
    began: float = 0.0
    attempt_began: float = 0.0
    attempts: list[bytes] = field(default_factory=list)
    is_attempting: bool = True
    is_sent: bool = False
    first_token: float | None = None
    http_status: int | None = None
    report: Report = NOT_REPORTED
    stream: AnswerStream | None = None
    is_settled: bool = False

    def __post_init__(self) -> None:
        self.began = self.attempt_began = monotonic()

    def has_been_sent(self) -> None:
        """Note that the attempt has left for the provider, in part or whole."""
        self.is_sent = True

    def has_token(self) -> None:
        """Note when a stream first said something."""
        if self.first_token is None:
            self.first_token = monotonic()

    @property
    def common(self) -> Common:
        return self.entry.common

    @property
    def attempts_made(self) -> int:
        return len(self.attempts) + self.is_attempting

    def end_attempt(self, explanation: Explanation) -> None:
        """Note that an attempt failed, after which another may follow."""
        end = self._end(CallStatus.FAILED, explanation)
        self.admission.settle(end, self._count(end))
        self.attempts.append(self._attempt(explanation, monotonic()))
        self.is_attempting = False

    def turn_to(self, entry: Entry, *, body: bytes, admission: Admission) -> None:
        """Begin an attempt at another provider or model; it is the call's from now."""
        self.entry, self.lasting = entry, lasting_part(entry, self.own)
        self.body, self.admission = body, admission
        self.attempt_began = monotonic()
        self.is_attempting, self.is_sent = True, False
        self.http_status, self.report, self.stream = None, NOT_REPORTED, None

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
        record = self._ended(status, explanation, count)
        while len(record) > MAX_SETTLED_PAYLOAD_BYTES and self.attempts:
            del self.attempts[0]  # there is room for the last ones only
            record = self._ended(status, explanation, count)
        self.spool.settle(self.own.call_id.bytes, record)
        if self.in_hand is not None:
            self.in_hand.add(count.usage, failure=explanation)

    def _end(self, status: CallStatus, explanation: Explanation | None) -> End:
        """Say how the call ended, as far as what it used is concerned."""
        if status is CallStatus.COMPLETED:
            return End.ANSWERED
        if status is CallStatus.CANCELLED:
            is_asked = self.is_attempting and self.is_sent
            return End.ABANDONED if is_asked else End.UNANSWERED
        if self.http_status is None:
            return End.TIMED_OUT if explanation == TIMED_OUT else End.UNANSWERED
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
        now, first_token = monotonic(), self.first_token
        attempts = self.attempts
        if self.is_attempting:
            attempts = [*attempts, self._attempt(explanation, now)]
        return ended(
            self.lasting,
            request_id=self.request_id,
            status=status,
            http_status=self.http_status,
            duration_ms=_milliseconds(now - self.began),
            time_to_first_token_ms=None
            if first_token is None
            else _milliseconds(first_token - self.began),
            usage=count.usage,
            usage_source=count.source,
            explanation=explanation,
            attempts=attempts,
        )

    def _attempt(self, explanation: Explanation | None, now: float) -> bytes:
        """Write the attempt that is being made."""
        began = self.own.started_at
        if self.attempts:
            after = timedelta(seconds=self.attempt_began - self.began)
            began = (datetime.fromisoformat(began) + after).isoformat()
        return attempt(
            new_id_text(),
            self.entry,
            began=began,
            duration_ms=_milliseconds(now - self.attempt_began),
            http_status=self.http_status,
            error_code=explanation.code if explanation else None,
        )


class CallBook:
    """Opens calls in the spool of one runner."""

    def __init__(self, spool: Spool, *, runner: str) -> None:
        self.records = TurnRecords(spool)
        """For calls that can wait for the others of their turn."""
        self._spool = spool
        self._runner = runner
        self._clock = WrittenClock()

    def open(
        self,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
        *,
        request_id: str | None = None,
        admission: Admission,
    ) -> OpenCall:
        """Account for a call before it leaves; it settles *admission*, too.

        *request_id* is the call's own where none was told already.

        Raises `SpoolFullError`, and `MalformedError` for labels that are none.
        """
        return self.open_as(
            self.entry(agent, credential, asked),
            in_hand=agent.in_hand,
            body=asked.request.body,
            request_id=request_id,
            admission=admission,
        )

    def open_as(
        self,
        entry: Entry,
        *,
        in_hand: MessageInHand | None,
        body: bytes,
        request_id: str | None = None,
        admission: Admission,
    ) -> OpenCall:
        """Open a call that begins in the book as others do; see `open`."""
        message_id = in_hand.message_id if in_hand else None
        own = Own(new_written_id(), self._clock.read(), message_id)
        request_id = request_id or own.call_id.text
        lasting = lasting_part(entry, own)
        self._spool.open_call(own.call_id.bytes, opened(lasting, request_id))
        return OpenCall(
            own=own,
            entry=entry,
            lasting=lasting,
            body=body,
            spool=self._spool,
            in_hand=in_hand,
            request_id=request_id,
            admission=admission,
        )

    def entry(
        self, agent: ModelCaller, credential: LeasedCredential, asked: Asked
    ) -> Entry:
        """Write how a call begins; raises `MalformedError` for labels that are none."""
        common = Common(
            org_id=agent.org_id,
            agent_id=agent.id,
            agent_type_id=agent.agent_type.id,
            use_case=agent.agent_type.use_case,
            provider_id=credential.provider_id,
            provider_type=credential.type,
            model=asked.request.model,
            endpoint=asked.route.endpoint,
            is_streamed=asked.request.is_streamed,
            runner=self._runner,
        )
        labels = agent.agent_type.labels, credential.labels, labels_in(asked.fields)
        return _labelled(common, labels)

    def turn(
        self,
        call: OpenCall,
        agent: ModelCaller,
        credential: LeasedCredential,
        asked: Asked,
        *,
        admission: Admission,
    ) -> None:
        """Let a call go on at another provider, or with another model."""
        entry = self.entry(agent, credential, asked)
        call.turn_to(entry, body=asked.request.body, admission=admission)


def _labelled(common: Common, labels: Sequence[dict[str, str]]) -> Entry:
    """Write it with the labels that have room beside the longest explanation."""
    unlabelled = entry_of(common, {})
    if not any(labels):
        return unlabelled
    room_bytes = _MOST_OPENED_BYTES - len(unlabelled.beginning) - _MOST_OWN_BYTES
    return entry_of(common, laid_together(*labels, room_bytes=room_bytes))


def interrupted(_: bytes, opened: bytes) -> bytes:
    """Settle what a dead process left open: it was opened as `interrupted`."""
    return opened


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
