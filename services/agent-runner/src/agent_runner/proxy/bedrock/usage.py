"""Reading usage where Bedrock has it: bodies, header fields, and metrics of streams.

Input tokens are those that were neither read from a cache nor written to one, as ours
are. Sources: the service model (`TokenUsage`); the user guide, "Inference request
parameters and response fields for foundation models"; the header fields and the metrics
of invocations are not documented, but long-standing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from agent_runner.proxy.anthropic.usage import report_in as anthropic_report_in
from agent_runner.proxy.headers import value_of
from agent_runner.proxy.openai.usage import report_in as openai_report_in
from agent_runner.proxy.usage import (
    NOT_REPORTED,
    REFUSED,
    AbsurdCountError,
    Report,
    count,
    object_at,
    term,
)
from agent_runner.proxy.wire_format import Fields
from agent_runner.used import Used

__all__ = [
    "METRICS",
    "report_of_conversation",
    "report_of_invocation",
    "report_of_metrics",
    "report_of_model",
]

METRICS = "amazon-bedrock-invocationMetrics"
"""The member that the last chunk of a stream gets, whatever the model."""


class _Names(NamedTuple):
    """What one place calls its figures; "" for what it has not."""

    input: str
    output: str
    cached: str = ""
    written: str = ""


_OF_CONVERSATION = _Names(
    "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"
)
_OF_METRICS = _Names(
    "inputTokenCount",
    "outputTokenCount",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
)
_OF_FIELDS = _Names(
    "input-token-count",
    "output-token-count",
    "cache-read-input-token-count",
    "cache-write-input-token-count",
)
_OF_NOVA = _Names(
    "inputTokens",
    "outputTokens",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
)
_OF_LLAMA = _Names("prompt_token_count", "generation_token_count")
_OF_TITAN = _Names("inputTextTokenCount", "totalOutputTextTokenCount")


def report_of_conversation(body: Mapping[str, Any]) -> Report:
    """Read `$.usage` of an answer of converse, or of its stream's `metadata`."""
    usage = object_at(body, "usage")
    report = _report(usage, _OF_CONVERSATION)
    if report.usage is None:
        return report
    try:
        long = _written_for_an_hour(usage)
    except AbsurdCountError:
        return REFUSED
    written = report.usage.cache_write_5m_tokens
    if (long or 0) > (written or 0):
        return REFUSED
    return Report(
        report.usage._replace(
            cache_write_5m_tokens=None if written is None else written - (long or 0),
            cache_write_1h_tokens=long,
            service_tier=term(object_at(body, "serviceTier"), "type"),
        )
    )


def report_of_invocation(fields: Fields, body: Mapping[str, Any]) -> Report:
    """Read an answer in a single piece: Claude tells more than the header fields."""
    return _first_of(
        anthropic_report_in(body), _report_in_fields(fields), report_of_model(body)
    )


def report_of_metrics(chunk: Mapping[str, Any]) -> Report:
    return _report(object_at(chunk, METRICS), _OF_METRICS)


def report_of_model(body: Mapping[str, Any]) -> Report:
    """Read what the model's own family says at its own place."""
    usage = object_at(body, "usage") or object_at(object_at(body, "metadata"), "usage")
    return _first_of(
        _report(usage, _OF_NOVA),
        openai_report_in(body),
        _report(body, _OF_LLAMA),
        _report_of_titan(body),
    )


def _first_of(*reports: Report) -> Report:
    return next((each for each in reports if each != NOT_REPORTED), NOT_REPORTED)


def _report(fields: Mapping[str, Any], names: _Names) -> Report:
    if fields.get(names.input) is None and fields.get(names.output) is None:
        return NOT_REPORTED
    try:
        return Report(
            Used(
                input_tokens=count(fields, names.input),
                cached_input_tokens=count(fields, names.cached),
                cache_write_5m_tokens=count(fields, names.written),
                output_tokens=count(fields, names.output),
            )
        )
    except AbsurdCountError:
        return REFUSED


def _report_in_fields(fields: Fields) -> Report:
    told = {
        name: int(value) if value.isdecimal() and value.isascii() else value
        for name in _OF_FIELDS
        if (value := value_of(fields, f"x-amzn-bedrock-{name}".encode()))
    }
    return _report(told, _OF_FIELDS)


def _written_for_an_hour(usage: Mapping[str, Any]) -> int | None:
    """Sum what was written for an hour; what no detail tells is for 5 minutes."""
    details = usage.get("cacheDetails")
    hours = [
        count(each, "inputTokens") or 0
        for each in (details if isinstance(details, list) else ())
        if isinstance(each, dict) and each.get("ttl") == "1h"
    ]
    return sum(hours) if hours else None


def _report_of_titan(body: Mapping[str, Any]) -> Report:
    """Sum the results of a whole answer, as a stream's last chunk does."""
    results = body.get("results")
    if not isinstance(results, list):
        return _report(body, _OF_TITAN)
    found = [each for each in results if isinstance(each, dict)]
    try:
        counts = [count(each, "tokenCount") for each in found]
    except AbsurdCountError:
        return REFUSED
    told = [each for each in counts if each is not None]
    summed = {**body, _OF_TITAN.output: sum(told) if told else None}
    return _report(summed, _OF_TITAN)
