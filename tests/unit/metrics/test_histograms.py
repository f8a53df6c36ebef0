"""Histograms as Prometheus reads them."""

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from metrics.counting.histograms import Histograms

VALUES = [0, 1, 1.5, 4, 4.1, 16, 1e9]
BOUNDS = (1, 4, 16, 4**13)


def told(collector: Collector) -> list[tuple[str, dict[str, str], float]]:
    registry = CollectorRegistry()
    registry.register(collector)
    families: list[Metric] = list(registry.collect())
    return [
        (each.name, each.labels, each.value)
        for family in families
        for each in family.samples
        if not each.name.endswith("_created")
    ]


def test_they_are_told_as_those_of_the_package() -> None:
    ours = Histograms("tokens", "Tokens.", ["model"], bounds=BOUNDS)
    theirs = Histogram("tokens", "Tokens.", ["model"], buckets=BOUNDS, registry=None)

    for value in VALUES:
        for model in ("one", "other"):
            ours.observe((model,), [value])
            theirs.labels(model).observe(value)

    assert told(ours) == told(theirs)


def test_nothing_is_told_of_what_nothing_was_counted_of() -> None:
    assert told(Histograms("tokens", "Tokens.", ["model"], bounds=BOUNDS)) == []
