"""Reading usage where OpenAI documents it, and nowhere else.

`prompt_tokens` include those read from a cache and those written to one; our counts are
disjoint. Source: the API reference; `openai` 3.54, `types/completion_usage.py`.
"""

from collections.abc import Mapping
from typing import Any

from agent_runner.proxy.usage import (
    NOT_REPORTED,
    REFUSED,
    AbsurdCountError,
    Report,
    count,
    object_at,
    term,
)
from shared.contracts.metrics import Usage

__all__ = ["report_in"]


def report_in(body: object) -> Report:
    """Read `$.usage` of a response or chunk of chats and embeddings."""
    if not isinstance(body, dict) or not isinstance(body.get("usage"), dict):
        return NOT_REPORTED
    try:
        return _report(body["usage"], tier=term(body, "service_tier"))
    except AbsurdCountError:
        return REFUSED


def _report(usage: Mapping[str, Any], *, tier: str | None) -> Report:
    prompt = count(usage, "prompt_tokens")
    output = count(usage, "completion_tokens")
    details = object_at(usage, "prompt_tokens_details")
    cached = count(details, "cached_tokens")
    written = count(details, "cache_write_tokens")
    reasoning = count(object_at(usage, "completion_tokens_details"), "reasoning_tokens")
    if prompt is None and output is None:
        return NOT_REPORTED
    fresh = (prompt or 0) - (cached or 0) - (written or 0)
    if fresh < 0 or (reasoning or 0) > (output or 0):
        return REFUSED
    return Report(
        Usage(
            input_tokens=None if prompt is None else fresh,
            cached_input_tokens=cached,
            cache_write_5m_tokens=written,
            output_tokens=output,
            reasoning_tokens=reasoning,
            service_tier=tier,
        )
    )
