"""Records row by row, in the order of the types that the migrations give them.

PostgreSQL takes an array of rows sooner than one array for each column: `unnest` lays
aside what each array holds, and asyncpg looks at each value of one twice, to learn how
many dimensions it has. What PostgreSQL keeps as JSON is text here.
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

__all__ = ["rows_of_calls", "rows_of_messages", "rows_of_tool_calls"]

Calls: TypeAlias = Mapping[int, tuple[CallRecord, PricedCall]]
"""Calls and what they cost, by their place in the source."""

Rows: TypeAlias = Sequence[tuple[object, ...]]

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


def rows_of_calls(calls: Calls) -> Rows:
    """Return rows of the type `given_call`."""
    return [
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
    ]


def rows_of_messages(messages: Mapping[int, MessageRecord]) -> Rows:
    """Return rows of the type `given_message`."""
    return [(sequence, *_MESSAGE(each)) for sequence, each in messages.items()]


def rows_of_tool_calls(tool_calls: Mapping[int, ToolCallRecord]) -> Rows:
    """Return rows of the type `given_tool_call`."""
    return [(sequence, *_TOOL_CALL(each)) for sequence, each in tool_calls.items()]
