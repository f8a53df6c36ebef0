"""Reading usage where Anthropic documents it, and nowhere else.

`input_tokens` are those that were neither read from a cache nor written to one, as ours
are. Source: `anthropic` 2.12, `types/usage.py`, `types/message_delta_usage.py` and
`types/beta/beta_usage.py`.
"""

from collections.abc import Mapping
from typing import Any

from agent_runner.proxy.usage import (
    NOT_REPORTED,
    REFUSED,
    AbsurdCountError,
    Report,
    added,
    count,
    object_at,
    term,
)
from agent_runner.used import Used

__all__ = ["overlaid", "report_in", "report_of"]

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
_MOST_ITERATIONS = 1_000


def report_in(message: object) -> Report:
    """Read `$.usage` of a message."""
    if not isinstance(message, dict) or not isinstance(message.get("usage"), dict):
        return NOT_REPORTED
    return report_of(message["usage"])


def report_of(usage: Mapping[str, Any]) -> Report:
    if all(usage.get(name) is None for name in _COUNTS):
        return NOT_REPORTED
    try:
        return Report(_usage(usage))
    except AbsurdCountError:
        return REFUSED


def overlaid(usage: Mapping[str, Any], delta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lay the figures of a `message_delta` over what is known: they are cumulative."""
    told = {name: value for name, value in delta.items() if value is not None}
    return {**usage, **told}


def _usage(usage: Mapping[str, Any]) -> Used:
    whole = _counted(usage)._replace(
        web_searches=count(object_at(usage, "server_tool_use"), "web_search_requests"),
        service_tier=term(usage, "service_tier"),
        speed=term(usage, "speed"),
        inference_geo=term(usage, "inference_geo"),
    )
    given = usage.get("iterations")
    iterations = given if isinstance(given, list) else []
    if len(iterations) > _MOST_ITERATIONS:
        raise AbsurdCountError("iterations")
    for each in iterations:
        # Only those of the message itself are in the sums (`BetaUsage.iterations`).
        if isinstance(each, dict) and each.get("type") != "message":
            whole = added(whole, _counted(each))
    return whole


def _counted(usage: Mapping[str, Any]) -> Used:
    output = count(usage, "output_tokens")
    thinking = count(object_at(usage, "output_tokens_details"), "thinking_tokens")
    if (thinking or 0) > (output or 0):
        raise AbsurdCountError("thinking_tokens")
    short, long = _written(usage)
    return Used(
        input_tokens=count(usage, "input_tokens"),
        cached_input_tokens=count(usage, "cache_read_input_tokens"),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=output,
        reasoning_tokens=thinking,
    )


def _written(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Split what was written to the cache; what no split tells is for 5 minutes."""
    split = object_at(usage, "cache_creation")
    short = count(split, "ephemeral_5m_input_tokens")
    long = count(split, "ephemeral_1h_input_tokens")
    total = count(usage, "cache_creation_input_tokens")
    if total is None:
        return short, long
    if (short or 0) + (long or 0) > total:
        raise AbsurdCountError("cache_creation")
    return total - (long or 0), long
