"""Usage as Anthropic tells it: without the cache in `input_tokens`.

Shapes: `anthropic.types.Usage` and `MessageDeltaUsage`.
"""

from pydantic import JsonValue

from ag2trust_sandbox.script import Usage

__all__ = ["delta_usage", "opening_usage", "whole_usage"]

_PLACEHOLDER: int = 1
"""Output tokens at the start of a stream, whatever will be said."""

Members = dict[str, JsonValue]


def whole_usage(usage: Usage) -> Members:
    """Give the usage of a message that was not streamed."""
    return {
        **_counts(usage),
        "cache_creation": _cache_creation(usage),
        "service_tier": "standard",
        "inference_geo": "global",
        **usage.extra,
    }


def opening_usage(usage: Usage) -> Members:
    """Give the usage in `message_start`: only its input is final."""
    return {**whole_usage(usage), "output_tokens": _PLACEHOLDER}


def delta_usage(usage: Usage) -> Members:
    """Give the cumulative usage in `message_delta`: it knows no split and no tier."""
    return {**_counts(usage), **usage.extra}


def _counts(usage: Usage) -> Members:
    return {
        "input_tokens": usage.uncached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def _cache_creation(usage: Usage) -> JsonValue:
    split = usage.cache_writes_by_lifetime
    if split is None:
        return None
    short, long = split
    return {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
