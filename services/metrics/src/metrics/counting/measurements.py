"""What this process has counted since it started, for Prometheus.

Names, buckets and labels are those of OpenTelemetry's conventions for generative AI
where they have one. Each record is counted by one process alone, so the figures of
several add up. They are no record: what a process counted is lost with it.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from metrics.repositories.ledger import Entry
from shared.contracts.metrics import (
    CallRecord,
    CallStatus,
    MessageRecord,
    ToolCallRecord,
    Usage,
)
from shared.gen_ai import PROVIDER_NAMES, operation_of

__all__ = ["MODELS_AT_MOST", "OTHER", "Measurements"]

MODELS_AT_MOST = 100
# Those of MCP servers have whatever names their servers chose.
_OUR_TOOLS = frozenset({"current_time", "http_request"})
OTHER = "other"

_SECONDS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
_TOKENS = tuple(4**power for power in range(14))
_MODEL = ["gen_ai_provider_name", "gen_ai_request_model"]
_OPERATION = ["gen_ai_operation_name", *_MODEL]
_KINDS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
)


# What a model was given; they are disjoint.
_GIVEN = _KINDS[:4]


class Measurements:
    """A model has series of its own once it has answered; there are places for some.

    All others are `other`, whatever names they are asked by. What *reports* collects is
    told too.
    """

    def __init__(self, reports: Collector | None = None) -> None:
        self._registry = CollectorRegistry()
        if reports:
            self._registry.register(reports)
        self._models: set[tuple[str, str]] = set()
        ProcessCollector(registry=self._registry)
        self._duration = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "How long calls took, from their arrival to the last byte.",
            _OPERATION,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._first_token = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "How long streams took to their first token.",
            _OPERATION,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._usage = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of a call: input with what was cached and written, and output.",
            [*_OPERATION, "gen_ai_token_type"],
            buckets=_TOKENS,
            registry=self._registry,
        )
        self._calls = self._counter(
            "ag2trust_calls", "Calls, by their end.", [*_MODEL, "status"]
        )
        self._tokens = self._counter(
            "ag2trust_tokens",
            "Tokens; reasoning is a part of output.",
            [*_MODEL, "kind"],
        )
        self._cost = self._counter(
            "ag2trust_cost_usd", "Dollars, of calls that have a price.", _MODEL
        )
        self._unpriced = self._counter(
            "ag2trust_unpriced_calls", "Calls without a price.", _MODEL
        )
        self._errors = self._counter(
            "ag2trust_call_errors",
            "Calls that failed, by our code.",
            ["gen_ai_provider_name", "error_type"],
        )
        self._failovers = self._counter(
            "ag2trust_failovers",
            "Attempts at another provider or model than the one before.",
            [],
        )
        self._messages = self._counter(
            "ag2trust_messages", "Messages that became final.", ["status"]
        )
        self._tool_calls = self._counter(
            "ag2trust_tool_calls", "Tool calls, by their end.", ["tool", "status"]
        )

    def text(self) -> bytes:
        """Write all of it down in Prometheus' text format."""
        return generate_latest(self._registry)

    def count(self, entries: Sequence[Entry]) -> None:
        """Add records that were counted just now, for the first time."""
        for entry in entries:
            match entry.record:
                case CallRecord() as call:
                    self._count_call(call, entry)
                case MessageRecord(status=status):
                    self._messages.labels(status.value).inc()
                case ToolCallRecord(tool=tool, status=status):
                    ours = tool if tool in _OUR_TOOLS else OTHER
                    self._tool_calls.labels(ours, status.value).inc()

    def _count_call(self, call: CallRecord, entry: Entry) -> None:
        model = self._model_of(call)
        self._calls.labels(*model, call.status.value).inc()
        self._observe(call, (operation_of(call.endpoint), *model))
        if call.status is CallStatus.FAILED and call.explanation:
            self._errors.labels(model[0], call.explanation.code).inc()
        if failovers := _failovers(call):
            self._failovers.inc(failovers)
        self._count_tokens(model, call.usage)
        if entry.priced and entry.priced.cost is not None:
            self._cost.labels(*model).inc(float(entry.priced.cost))
        else:
            self._unpriced.labels(*model).inc()

    def _observe(self, call: CallRecord, which: tuple[str, str, str]) -> None:
        if call.duration_ms is not None:
            self._duration.labels(*which).observe(call.duration_ms / 1000)
        if call.time_to_first_token_ms is not None:
            self._first_token.labels(*which).observe(call.time_to_first_token_ms / 1000)
        given = [each for each in map(partial(getattr, call.usage), _GIVEN) if each]
        if given:
            self._usage.labels(*which, "input").observe(sum(given))
        if call.usage.output_tokens:
            self._usage.labels(*which, "output").observe(call.usage.output_tokens)

    def _count_tokens(self, model: tuple[str, str], usage: Usage) -> None:
        for kind in _KINDS:
            if tokens := getattr(usage, kind):
                self._tokens.labels(*model, kind.removesuffix("_tokens")).inc(tokens)

    def _model_of(self, call: CallRecord) -> tuple[str, str]:
        provider = PROVIDER_NAMES[call.provider_type]
        model = (provider, call.model)
        if model in self._models:
            return model
        if call.status is CallStatus.COMPLETED and len(self._models) < MODELS_AT_MOST:
            self._models.add(model)
            return model
        return provider, OTHER

    def _counter(self, name: str, told: str, labels: Sequence[str]) -> Counter:
        return Counter(name, told, labels, registry=self._registry)


def _failovers(call: CallRecord) -> int:
    asked = [(each.provider_id, each.model) for each in call.attempts]
    return sum(before != after for before, after in pairwise(asked))
