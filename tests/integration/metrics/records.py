"""Records as a runner ships them, drawn from a seed."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from shared.contracts.base import Explanation
from shared.contracts.conversations import MessageStatus
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    AttemptRecord,
    CallRecord,
    CallStatus,
    Ingest,
    IngestRecord,
    MessageRecord,
    Record,
    ToolCallRecord,
    ToolCallStatus,
    Usage,
    UsageSource,
)
from shared.ids import new_id

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

AnyRecord: TypeAlias = Record

_FINAL = [status for status in MessageStatus if status.is_final]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same figures in every run


def call(**changes: Any) -> CallRecord:
    """Make a call of 10 + 5 + 7 tokens with one attempt."""
    fields: dict[str, Any] = {
        "call_id": new_id(),
        "org_id": new_id(),
        "agent_id": new_id(),
        "agent_type_id": new_id(),
        "provider_id": new_id(),
        "provider_type": ProviderType.OPENAI,
        "use_case": "support",
        "model": "gpt-5",
        "endpoint": "/v1/chat/completions",
        "is_streamed": True,
        "message_id": new_id(),
        "runner": "runner-1",
        "request_id": "request-1",
        "status": CallStatus.COMPLETED,
        "http_status": 200,
        "started_at": NOON,
        "duration_ms": 1200,
        "time_to_first_token_ms": 300,
        "usage": Usage(
            input_tokens=10,
            cached_input_tokens=5,
            output_tokens=7,
            reasoning_tokens=2,
        ),
        "usage_source": UsageSource.REPORTED,
        "attempts": [attempt()],
    }
    return CallRecord(**(fields | changes))


def attempt(**changes: Any) -> AttemptRecord:
    fields: dict[str, Any] = {
        "attempt_id": new_id(),
        "provider_id": new_id(),
        "model": "gpt-5",
        "started_at": NOON,
        "duration_ms": 1100,
        "http_status": 200,
    }
    return AttemptRecord(**(fields | changes))


def message(**changes: Any) -> MessageRecord:
    fields: dict[str, Any] = {
        "message_id": new_id(),
        "org_id": new_id(),
        "agent_id": new_id(),
        "agent_type_id": new_id(),
        "status": MessageStatus.COMPLETED,
        "finished_at": NOON,
        "duration_ms": 2500,
    }
    return MessageRecord(**(fields | changes))


def tool_call(**changes: Any) -> ToolCallRecord:
    fields: dict[str, Any] = {
        "tool_call_id": new_id(),
        "org_id": new_id(),
        "agent_id": new_id(),
        "agent_type_id": new_id(),
        "message_id": new_id(),
        "tool": "http_request",
        "status": ToolCallStatus.FAILED,
        "code": "TOOL_TIMED_OUT",
        "started_at": NOON,
        "duration_ms": 120,
    }
    return ToolCallRecord(**(fields | changes))


def failed_call(**changes: Any) -> CallRecord:
    """Make a call that failed over once, in vain, and was explained."""
    explanation = Explanation(
        code="RATE_LIMITED",
        provider_error="rate_limit_exceeded",
        message="The provider is busy.",
        cause="Too many requests.",
        fix="Wait, or raise the limit.",
        retryable=True,
    )
    refused = attempt(http_status=429, error_code="RATE_LIMITED")
    unanswered = attempt(http_status=None, error_code="UPSTREAM_UNREACHABLE")
    return call(
        status=CallStatus.FAILED,
        http_status=429,
        usage=Usage(),
        usage_source=UsageSource.NONE,
        explanation=explanation,
        attempts=[refused, unanswered],
        **changes,
    )


def random_call(draw: random.Random, **changes: Any) -> CallRecord:
    """Draw a call within a day of noon, each figure now and then not known."""
    usage = Usage(
        input_tokens=_perhaps(draw, 5_000),
        cached_input_tokens=_perhaps(draw, 2_000),
        cache_write_5m_tokens=_perhaps(draw, 500),
        cache_write_1h_tokens=_perhaps(draw, 500),
        output_tokens=_perhaps(draw, 3_000),
        reasoning_tokens=_perhaps(draw, 100),
    )
    drawn: dict[str, Any] = {
        "status": draw.choice(list(CallStatus)),
        "started_at": random_time(draw),
        "duration_ms": _perhaps(draw, 60_000),
        "time_to_first_token_ms": _perhaps(draw, 3_000),
        "usage": usage,
        "attempts": [attempt() for _ in range(draw.randrange(3))],
    }
    return call(**(drawn | changes))


def random_time(draw: random.Random) -> datetime:
    """Draw a time within a day of noon; each other one begins a minute, or more."""
    time = NOON + timedelta(seconds=draw.uniform(-86_400, 86_400))
    seconds = draw.choice([0, 0, 0, 60, 900, 3600])
    return time - (time - NOON) % timedelta(seconds=seconds) if seconds else time


def random_message(draw: random.Random, **changes: Any) -> MessageRecord:
    drawn: dict[str, Any] = {
        "status": draw.choice(_FINAL),
        "finished_at": random_time(draw),
        "duration_ms": _perhaps(draw, 90_000),
    }
    return message(**(drawn | changes))


def batch(
    source: UUID,
    records: Sequence[AnyRecord | str],
    *,
    start: int = 1,
) -> Ingest:
    """Give *records* places from *start* on; a string is sent as it is."""
    return Ingest(
        source=source,
        records=[
            IngestRecord(
                sequence=sequence,
                payload=record if isinstance(record, str) else record.model_dump_json(),
            )
            for sequence, record in enumerate(records, start=start)
        ],
    )


def _perhaps(draw: random.Random, below: int) -> int | None:
    return None if draw.random() < 0.2 else draw.randrange(below)
