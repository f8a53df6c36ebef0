"""Histograms for Prometheus, of which each value costs next to nothing to count.

Those of `prometheus_client` go through their bounds in Python and take two locks a
value; here everything is counted, and told, by one thread.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import INF, floatToGoString

__all__ = ["Histograms"]


class Histograms(Collector):
    """One for each set of values of *labels*; *bounds* rise, each within its bucket."""

    def __init__(
        self, name: str, told: str, labels: Sequence[str], *, bounds: Sequence[float]
    ) -> None:
        self._name, self._told, self._labels = name, told, labels
        self._bounds = (*bounds, INF)
        self._series: dict[tuple[str, ...], _Series] = defaultdict(
            lambda: _Series([0] * len(self._bounds))
        )

    def observe(self, labels: tuple[str, ...], values: Sequence[float]) -> None:
        """Count all *values*; without any there is nothing to be told of *labels*."""
        if not values:
            return
        series = self._series[labels]
        for value in values:
            series.counts[bisect_left(self._bounds, value)] += 1
        series.sum += sum(values)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._told, labels=self._labels)
        bounds = list(map(floatToGoString, self._bounds))
        for labels, series in self._series.items():
            passed = accumulate(series.counts)
            family.add_metric(
                labels, list(zip(bounds, passed, strict=True)), series.sum
            )
        yield family


@dataclass(slots=True)
class _Series:
    """How many values fell into each bucket, and what they add up to."""

    counts: list[int]
    sum: float = 0.0
