"""Records and batches as a runner would send them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts.conversations import MessageStatus
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    CallRecord,
    CallStatus,
    Ingest,
    IngestRecord,
    MessageRecord,
    Record,
    ToolCallRecord,
    ToolCallStatus,
    Usage,
)
from shared.ids import new_id

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPOOL = UUID("0192f0c1-2b3c-7d4e-8f50-61728394a5b6")
ORGANIZATION = UUID("0192f0c1-2b3c-7d4e-8f50-000000000001")
AGENT = UUID("0192f0c1-2b3c-7d4e-8f50-000000000002")


def call(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "call_id": new_id(),
        "org_id": ORGANIZATION,
        "agent_id": AGENT,
        "agent_type_id": new_id(),
        "provider_id": new_id(),
        "provider_type": ProviderType.OPENAI,
        "model": "gpt-5",
        "endpoint": "chat.completions",
        "is_streamed": False,
        "runner": "runner-1",
        "request_id": "request-1",
        "status": CallStatus.COMPLETED,
        "started_at": NOON,
    }
    return CallRecord(**(fields | changes))


def used(
    input_tokens: int = 0,
    cached: int = 0,
    write_5m: int = 0,
    write_1h: int = 0,
    output: int = 0,
    **terms: str | int | None,
) -> Usage:
    return Usage.model_validate(
        {
            "input_tokens": input_tokens,
            "cached_input_tokens": cached,
            "cache_write_5m_tokens": write_5m,
            "cache_write_1h_tokens": write_1h,
            "output_tokens": output,
            **terms,
        }
    )


def message(**changes: Any) -> MessageRecord:
    fields: dict[str, Any] = {
        "message_id": new_id(),
        "org_id": ORGANIZATION,
        "agent_id": AGENT,
        "agent_type_id": new_id(),
        "status": MessageStatus.COMPLETED,
        "finished_at": NOON,
    }
    return MessageRecord(**(fields | changes))


def tool_call(**changes: Any) -> ToolCallRecord:
    fields: dict[str, Any] = {
        "tool_call_id": new_id(),
        "org_id": ORGANIZATION,
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


def numbered(records: Iterable[Record | str], *, start: int = 1) -> list[IngestRecord]:
    """Give *records* places from *start* on; a string is sent as it is."""
    return [
        IngestRecord(
            sequence=sequence,
            payload=record if isinstance(record, str) else record.model_dump_json(),
        )
        for sequence, record in enumerate(records, start=start)
    ]


def batch(*records: Record | str, start: int = 1) -> Ingest:
    return Ingest(source=SPOOL, records=numbered(records, start=start))
