"""Figures as they are told, against sums made in plain Python of the same records."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from metrics.prices.pricing import price
from shared.contracts.metrics import CallRecord, CallStatus, MessageRecord
from shared.contracts.usage import UsageFigures

__all__ = ["assert_figures"]

_WITHIN = 0.02 + 1e-9  # of a percentile, as sketches promise


def assert_figures(
    told: UsageFigures,
    calls: Sequence[CallRecord],
    messages: Sequence[MessageRecord] = (),
) -> None:
    """Add up the long way, in plain Python, and compare."""
    completed = [each for each in messages if each.status == "completed"]
    priced = [price(each, []) for each in calls]
    costs = [each.cost for each in priced if each.cost is not None]
    errors = sum(each.status is CallStatus.FAILED for each in calls)
    times = _known(each.duration_ms for each in calls)
    expected = {
        "calls": len(calls),
        "errors": errors,
        "error_rate": errors / len(calls) if calls else None,
        "cancelled_calls": sum(each.status == "cancelled" for each in calls),
        "interrupted_calls": sum(each.status == "interrupted" for each in calls),
        "input_tokens": _total(each.usage.input_tokens for each in calls),
        "cached_input_tokens": _total(each.usage.cached_input_tokens for each in calls),
        "cache_write_5m_tokens": _total(
            each.usage.cache_write_5m_tokens for each in calls
        ),
        "cache_write_1h_tokens": _total(
            each.usage.cache_write_1h_tokens for each in calls
        ),
        "output_tokens": _total(each.usage.output_tokens for each in calls),
        "reasoning_tokens": _total(each.usage.reasoning_tokens for each in calls),
        "total_tokens": _total(
            count
            for each in calls
            for count in (
                each.usage.input_tokens,
                each.usage.cached_input_tokens,
                each.usage.cache_write_5m_tokens,
                each.usage.cache_write_1h_tokens,
                each.usage.output_tokens,
            )
        ),
        "average_response_time_ms": _mean(times),
        "average_time_to_first_token_ms": _mean(
            _known(each.time_to_first_token_ms for each in calls)
        ),
        "unpriced_calls": len(calls) - len(costs),
        "messages_processed": len(completed),
        "message_duration_ms": _mean(_known(each.duration_ms for each in completed)),
    }
    assert told.model_dump(include=set(expected)) == expected
    assert told.cost_usd == (pytest.approx(sum(costs)) if costs else None)
    assert told.p50_response_time_ms == _about(times, 0.5)
    assert told.p95_response_time_ms == _about(times, 0.95)


def _known(values: Iterable[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _total(values: Iterable[int | None]) -> int:
    return sum(_known(values))


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _about(values: Sequence[int], fraction: float) -> Any:
    if not values:
        return None
    measured = sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]
    return pytest.approx(measured, rel=_WITHIN)
