"""Usage as Bedrock tells it: without the cache in its input tokens.

Sources: the service model of `bedrock-runtime` in botocore (`TokenUsage`); the headers
and the metrics of invocations are not documented, but long-standing.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from ag2trust_sandbox.script import Step, Usage, UsagePlace

__all__ = ["count_headers", "invocation_metrics", "latency_ms", "token_usage"]


def token_usage(usage: Usage) -> dict[str, JsonValue]:
    """Give the usage of a conversation."""
    return {
        "inputTokens": usage.uncached_tokens,
        "outputTokens": usage.completion_tokens,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cached_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
        "cacheDetails": _cache_details(usage),
        **usage.extra,
    }


def _cache_details(usage: Usage) -> list[JsonValue]:
    short, long = usage.cache_writes_by_lifetime or (0, 0)
    return [
        {"ttl": ttl, "inputTokens": tokens}
        for ttl, tokens in (("5m", short), ("1h", long))
        if tokens
    ]


def count_headers(usage: Usage, step: Step) -> Mapping[str, str]:
    """Give the usage of an invocation as its headers have it, if they do."""
    prefix = "x-amzn-bedrock"
    latency = {f"{prefix}-invocation-latency": str(latency_ms(step))}
    if not _is_told_by_bedrock(step):
        return latency
    return {
        **latency,
        f"{prefix}-input-token-count": str(usage.uncached_tokens),
        f"{prefix}-output-token-count": str(usage.completion_tokens),
        f"{prefix}-cache-read-input-token-count": str(usage.cached_tokens),
        f"{prefix}-cache-write-input-token-count": str(usage.cache_write_tokens),
    }


def invocation_metrics(usage: Usage, step: Step) -> dict[str, JsonValue]:
    """Give the same as the last chunk of a stream has it, if it does."""
    if not _is_told_by_bedrock(step):
        return {}
    metrics: JsonValue = {
        "inputTokenCount": usage.uncached_tokens,
        "outputTokenCount": usage.completion_tokens,
        "cacheReadInputTokenCount": usage.cached_tokens,
        "cacheWriteInputTokenCount": usage.cache_write_tokens,
        "invocationLatency": latency_ms(step),
        "firstByteLatency": latency_ms(step),
    }
    return {"amazon-bedrock-invocationMetrics": metrics}


def latency_ms(step: Step) -> int:
    return round(step.latency_seconds * 1000)


def _is_told_by_bedrock(step: Step) -> bool:
    """Whether Bedrock counts besides the model."""
    return step.usage_place in {UsagePlace.OWN_CHUNK, UsagePlace.RUNNING}
