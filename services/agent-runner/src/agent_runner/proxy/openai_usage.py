"""Reading usage where OpenAI documents it, and nowhere else.

`prompt_tokens` include the cached ones; our counts are disjoint. An explicit 0 is 0,
an absent figure is None; a negative, absurd or contradictory one makes the whole report
void.
"""

from typing import Any

from shared.contracts.metrics import Usage

__all__ = ["usage_of"]

_MOST_TOKENS = 1_000_000_000


def usage_of(body: object) -> Usage | None:
    """Read `$.usage` of a response or chunk; None where there is none to read."""
    if not isinstance(body, dict) or not isinstance(body.get("usage"), dict):
        return None
    usage: dict[str, Any] = body["usage"]
    try:
        prompt = _count(usage.get("prompt_tokens"))
        output = _count(usage.get("completion_tokens"))
        cached = _count(_detail(usage, "prompt_tokens_details", "cached_tokens"))
        reasoning = _count(
            _detail(usage, "completion_tokens_details", "reasoning_tokens")
        )
    except _AbsurdCountError:
        return None
    if prompt is None and output is None:
        return None
    if (cached or 0) > (prompt or 0) or (reasoning or 0) > (output or 0):
        return None
    return Usage(
        input_tokens=None if prompt is None else prompt - (cached or 0),
        cached_input_tokens=cached,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )


def _detail(usage: dict[str, Any], group: str, name: str) -> Any:
    details = usage.get(group)
    return details.get(name) if isinstance(details, dict) else None


def _count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        raise _AbsurdCountError
    return value


class _AbsurdCountError(Exception):
    """A figure that cannot be a number of tokens."""
