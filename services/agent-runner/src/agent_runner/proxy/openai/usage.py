"""Reading usage where OpenAI documents it, and nowhere else.

Tokens of the prompt include those read from a cache and those written to one; our
counts are disjoint. Source: the API reference; `openai` 3.54,
`types/completion_usage.py` and `types/responses/response_usage.py`.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from agent_runner.proxy.usage import (
    NOT_REPORTED,
    REFUSED,
    AbsurdCountError,
    Report,
    count,
    object_at,
    term,
)
from agent_runner.proxy.wire_format import Outcome
from agent_runner.used import Used
from shared.provider_errors.reading import failure_in_event
from shared.provider_errors.rows import ErrorSource

__all__ = ["outcome_of_response", "report_in", "without_vectors"]

_WRITTEN = frozenset({"cache_write_tokens", "cache_write_tokens_details"})

# In a text the second quote would have a backslash before it.
_VECTOR = re.compile(rb'("embedding"\s*:\s*)\[[^\[\]{}"]*+\]')


def report_in(body: object) -> Report:
    """Read `$.usage` of a response or chunk of chats and embeddings."""
    return _report_in(body, _CHAT)


def without_vectors(embeddings: bytes) -> bytes:
    """Take the numbers out of an answer, millions of which would hold others up."""
    return _VECTOR.sub(rb"\1[]", embeddings)


def outcome_of_response(response: Mapping[str, Any]) -> Outcome:
    """Read a response: its usage, and the error of one that failed."""
    report = _report_in(response, _RESPONSE)
    if report.usage is not None and (searches := _web_searches(response)):
        usage = report.usage._replace(web_searches=searches)
        report = Report(usage)
    if response.get("status") != "failed":
        return Outcome(report)
    return Outcome(report, failure_in_event(ErrorSource.OPENAI, response))


class _Names(NamedTuple):
    """What one API calls its figures."""

    input: str
    input_details: str
    output: str
    output_details: str


_CHAT = _Names(
    "prompt_tokens",
    "prompt_tokens_details",
    "completion_tokens",
    "completion_tokens_details",
)
_RESPONSE = _Names(
    "input_tokens",
    "input_tokens_details",
    "output_tokens",
    "output_tokens_details",
)


def _report_in(body: object, names: _Names) -> Report:
    if not isinstance(body, dict) or not isinstance(body.get("usage"), dict):
        return NOT_REPORTED
    usage: Mapping[str, Any] = body["usage"]
    if usage.get(names.input) is None and usage.get(names.output) is None:
        return NOT_REPORTED
    try:
        return Report(_usage(usage, names, tier=term(body, "service_tier")))
    except AbsurdCountError:
        return REFUSED


def _usage(usage: Mapping[str, Any], names: _Names, *, tier: str | None) -> Used:
    whole = count(usage, names.input)
    output = count(usage, names.output)
    details = object_at(usage, names.input_details)
    cached = count(details, "cached_tokens")
    short, long = _written(details)
    reasoning = count(object_at(usage, names.output_details), "reasoning_tokens")
    fresh = (whole or 0) - (cached or 0) - (short or 0) - (long or 0)
    if fresh < 0 or (reasoning or 0) > (output or 0):
        raise AbsurdCountError(names.input)
    return Used(
        input_tokens=None if whole is None else fresh,
        cached_input_tokens=cached,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=output,
        reasoning_tokens=reasoning,
        service_tier=tier,
    )


def _written(details: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Split what was written to the cache; what no split tells is of the shorter."""
    if _WRITTEN.isdisjoint(details):
        return None, None
    total = count(details, "cache_write_tokens")
    long = count(object_at(details, "cache_write_tokens_details"), "ttl_12h_tokens")
    if total is None:
        return None, long
    if (long or 0) > total:
        raise AbsurdCountError("ttl_12h_tokens")
    return total - (long or 0), long


def _web_searches(response: Mapping[str, Any]) -> int:
    output = response.get("output")
    items = output if isinstance(output, list) else []
    calls = [each for each in items if isinstance(each, dict)]
    return sum(each.get("type") == "web_search_call" for each in calls)
