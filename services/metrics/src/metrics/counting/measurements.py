"""What this process has counted since it started, for Prometheus.

Names, buckets and labels are those of OpenTelemetry's conventions for generative AI
where they have one. Each record is counted by one process alone, so the figures of
several add up. They are no record: what a process counted is lost with it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from metrics.prices.pricing import PricedCall
from metrics.repositories.ledger import Entry
from shared.contracts.metrics import (
    CallRecord,
    CallStatus,
    MessageRecord,
    ToolCallRecord,
    Usage,
)
from shared.gen_ai import PROVIDER_NAMES, operation_of

from .histograms import Histograms

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

_Model: TypeAlias = tuple[str, str]
"""A provider and a model of it, as they are told."""

_Which: TypeAlias = tuple[str, str, str]
"""An operation, and of which model."""

_Alike: TypeAlias = tuple[_Model, str, CallStatus]
"""Model, endpoint and status: what calls have in common that count as one."""

_PricedCall: TypeAlias = tuple[CallRecord, PricedCall | None]


class Measurements:
    """A model has series of its own once it has answered; there are places for some.

    All others are `other`, whatever names they are asked by. What *reports* collects is
    told too. Calls that are alike are counted as one, and series found by their labels
    in a cache: `labels` takes longer than all else that is done to count.
    """

    def __init__(self, reports: Collector | None = None) -> None:
        self._registry = CollectorRegistry()
        if reports:
            self._registry.register(reports)
        self._models: set[_Model] = set()
        ProcessCollector(registry=self._registry)
        self._duration = self._histogram(
            "gen_ai_client_operation_duration_seconds",
            "How long calls took, from their arrival to the last byte.",
            _OPERATION,
            bounds=_SECONDS,
        )
        self._first_token = self._histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "How long streams took to their first token.",
            _OPERATION,
            bounds=_SECONDS,
        )
        self._usage = self._histogram(
            "gen_ai_client_token_usage",
            "Tokens of a call: input with what was cached and written, and output.",
            [*_OPERATION, "gen_ai_token_type"],
            bounds=_TOKENS,
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
        self._failovers = Counter(
            "ag2trust_failovers",
            "Attempts at another provider or model than the one before.",
            registry=self._registry,
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
        calls: dict[_Alike, list[_PricedCall]] = defaultdict(list)
        for entry in entries:
            match entry.record:
                case CallRecord() as call:
                    alike = (self._model_of(call), call.endpoint, call.status)
                    calls[alike].append((call, entry.priced))
                case MessageRecord(status=status):
                    self._messages(status).inc()
                case ToolCallRecord(tool=tool, status=status):
                    ours = tool if tool in _OUR_TOOLS else OTHER
                    self._tool_calls(ours, status).inc()
        for (model, endpoint, end), priced_calls in calls.items():
            self._calls(*model, end).inc(len(priced_calls))
            self._count_costs(model, [priced for _, priced in priced_calls])
            self._count_calls(model, endpoint, [call for call, _ in priced_calls])

    def _count_costs(self, model: _Model, priced: Sequence[PricedCall | None]) -> None:
        costs = [each.cost for each in priced if each and each.cost is not None]
        if costs:
            self._cost(*model).inc(float(sum(costs)))
        if unpriced := len(priced) - len(costs):
            self._unpriced(*model).inc(unpriced)

    def _count_calls(
        self, model: _Model, endpoint: str, calls: Sequence[CallRecord]
    ) -> None:
        which = (operation_of(endpoint), *model)
        self._duration.observe(which, _seconds(each.duration_ms for each in calls))
        self._first_token.observe(
            which, _seconds(each.time_to_first_token_ms for each in calls)
        )
        self._count_tokens(which, [each.usage for each in calls])
        for call in calls:
            if call.status is CallStatus.FAILED and call.explanation:
                self._errors(model[0], call.explanation.code).inc()
            if failovers := _failovers(call):
                self._failovers.inc(failovers)

    def _count_tokens(self, which: _Which, usages: Sequence[Usage]) -> None:
        _, *model = which
        tokens = {
            kind: [getattr(each, kind) or 0 for each in usages] for kind in _KINDS
        }
        for kind, counts in tokens.items():
            if total := sum(counts):
                self._tokens(*model, kind.removesuffix("_tokens")).inc(total)
        given = list(map(sum, zip(*map(tokens.__getitem__, _GIVEN), strict=True)))
        for told, counts in (("input", given), ("output", tokens["output_tokens"])):
            self._usage.observe((*which, told), list(filter(None, counts)))

    def _model_of(self, call: CallRecord) -> _Model:
        provider = PROVIDER_NAMES[call.provider_type]
        model = (provider, call.model)
        if model in self._models:
            return model
        if call.status is CallStatus.COMPLETED and len(self._models) < MODELS_AT_MOST:
            self._models.add(model)
            return model
        return provider, OTHER

    def _counter(
        self, name: str, told: str, labels: Sequence[str]
    ) -> Callable[..., Counter]:
        return cache(Counter(name, told, labels, registry=self._registry).labels)

    def _histogram(
        self, name: str, told: str, labels: Sequence[str], *, bounds: Sequence[float]
    ) -> Histograms:
        histograms = Histograms(name, told, labels, bounds=bounds)
        self._registry.register(histograms)
        return histograms


def _seconds(durations_ms: Iterable[int | None]) -> list[float]:
    return [each / 1000 for each in durations_ms if each is not None]


def _failovers(call: CallRecord) -> int:
    if len(call.attempts) <= 1:
        return 0
    asked = [(each.provider_id, each.model) for each in call.attempts]
    return sum(before != after for before, after in pairwise(asked))
