"""Records column by column, as PostgreSQL takes them fastest.

Each column is one array; `unnest` lays them side by side again, and fills one up that
is empty with NULL: asyncpg looks at each value, of which many columns have none. What
PostgreSQL keeps as JSON is text here.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from pydantic import TypeAdapter

from metrics.prices.pricing import PricedCall
from metrics.rollups.rollups import code_of
from shared.contracts.metrics import (
    AttemptRecord,
    CallRecord,
    MessageRecord,
    ToolCallRecord,
)

__all__ = ["columns_of_calls", "columns_of_messages", "columns_of_tool_calls"]

Calls: TypeAlias = Mapping[int, tuple[CallRecord, PricedCall]]
"""Calls and what they cost, by their place in the source."""

Columns: TypeAlias = Sequence[Sequence[object]]

_COST = attrgetter("cost", "price_version", "unpriced_reason")
_CALL = attrgetter(
    "call_id",
    "org_id",
    "agent_id",
    "agent_type_id",
    "provider_id",
    "provider_type",
    "use_case",
    "model",
    "endpoint",
    "is_streamed",
    "message_id",
    "runner",
    "request_id",
    "status",
    "http_status",
    "started_at",
    "duration_ms",
    "time_to_first_token_ms",
    "usage_source",
)
_USAGE = attrgetter(
    "input_tokens",
    "cached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "web_searches",
    "service_tier",
    "speed",
    "inference_geo",
)
_LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
_ATTEMPTS: TypeAdapter[list[AttemptRecord]] = TypeAdapter(list[AttemptRecord])
_MESSAGE = attrgetter(
    "message_id",
    "org_id",
    "agent_id",
    "agent_type_id",
    "status",
    "finished_at",
    "duration_ms",
)

_TOOL_CALL = attrgetter(
    "tool_call_id",
    "org_id",
    "agent_id",
    "agent_type_id",
    "message_id",
    "tool",
    "status",
    "code",
    "started_at",
    "duration_ms",
)


def columns_of_calls(calls: Calls) -> Columns:
    """Return sequence, cost, the call, usage, labels, explanation, code, attempts."""
    rows = (
        (
            sequence,
            *_COST(priced),
            *_CALL(call),
            *_USAGE(call.usage),
            _LABELS.dump_json(call.labels).decode(),
            call.explanation.model_dump_json() if call.explanation else None,
            code_of(call),
            _ATTEMPTS.dump_json(call.attempts).decode(),
        )
        for sequence, (call, priced) in calls.items()
    )
    return [_without_nothing(column) for column in zip(*rows, strict=True)]


def columns_of_messages(messages: Mapping[int, MessageRecord]) -> Columns:
    """Return sequence, message."""
    rows = ((sequence, *_MESSAGE(each)) for sequence, each in messages.items())
    return [*zip(*rows, strict=True)]


def columns_of_tool_calls(tool_calls: Mapping[int, ToolCallRecord]) -> Columns:
    """Return sequence, tool call."""
    rows = ((sequence, *_TOOL_CALL(each)) for sequence, each in tool_calls.items())
    return [*zip(*rows, strict=True)]


def _without_nothing(column: Sequence[object]) -> Sequence[object]:
    return column if any(value is not None for value in column) else ()
