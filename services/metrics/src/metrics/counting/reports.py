"""What other processes told of themselves lately, for Prometheus.

They live where nobody can scrape them. A process that tells nothing more is left out
after a while, and there are places for so many.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.contracts.base import Service
from shared.contracts.measurements import ProcessMeasured, RunnerMeasured

__all__ = ["PROCESSES_AT_MOST", "SILENT_AFTER_SECONDS", "Reports"]

PROCESSES_AT_MOST = 100
SILENT_AFTER_SECONDS = 45.0

_WHO = ["service", "process"]

Seconds = Callable[[], float]
Reported = tuple[Service, ProcessMeasured]


class Reports(Collector):
    """*clock* counts seconds, and never goes back."""

    def __init__(self, clock: Seconds) -> None:
        self._clock = clock
        self._latest: dict[tuple[Service, str], tuple[float, ProcessMeasured]] = {}

    def credentials(self, measured: ProcessMeasured) -> None:
        self._keep(Service.CREDENTIALS, measured)

    def runner(self, measured: RunnerMeasured) -> None:
        self._keep(Service.AGENT_RUNNER, measured)

    def collect(self) -> Iterator[Metric]:
        self._forget_the_silent()
        reported = [(who, told) for (who, _), (_, told) in self._latest.items()]
        yield from _usage(reported)
        yield from _answers(reported)
        yield from _runners(reported)
        yield from _uncounted(reported)

    def _keep(self, service: Service, measured: ProcessMeasured) -> None:
        self._forget_the_silent()
        who = (service, measured.process)
        if who in self._latest or len(self._latest) < PROCESSES_AT_MOST:
            self._latest[who] = (self._clock(), measured)

    def _forget_the_silent(self) -> None:
        heard_since = self._clock() - SILENT_AFTER_SECONDS
        self._latest = {
            who: (at, told)
            for who, (at, told) in self._latest.items()
            if at >= heard_since
        }


def _usage(reported: list[Reported]) -> Iterator[Metric]:
    cpu = CounterMetricFamily(
        "ag2trust_process_cpu_seconds", "Time on the processor.", labels=_WHO
    )
    memory = _gauge("ag2trust_process_resident_memory_bytes", "Memory in use.")
    files = _gauge("ag2trust_process_open_fds", "Open files and sockets.")
    for service, told in reported:
        who = (service, told.process)
        cpu.add_metric(who, told.cpu_seconds)
        if told.resident_bytes is not None:
            memory.add_metric(who, told.resident_bytes)
        if told.open_files is not None:
            files.add_metric(who, told.open_files)
    yield from (cpu, memory, files)


def _answers(reported: list[Reported]) -> Iterator[Metric]:
    labels = [*_WHO, "question", "code"]
    times = CounterMetricFamily(
        "ag2trust_questions", "Questions answered over the bus.", labels=labels
    )
    seconds = CounterMetricFamily(
        "ag2trust_question_seconds", "Time it took to answer them.", labels=labels
    )
    for service, told in reported:
        for each in told.answered:
            which = (service, told.process, each.question, each.code)
            times.add_metric(which, each.times)
            seconds.add_metric(which, each.seconds)
    yield from (times, seconds)


def _runners(reported: list[Reported]) -> Iterator[Metric]:
    agents = _gauge("ag2trust_hosted_agents", "Agents that a runner hosts.")
    connections = _gauge(
        "ag2trust_agent_connections", "Connections of agents to their runner."
    )
    for service, told in reported:
        if isinstance(told, RunnerMeasured):
            agents.add_metric((service, told.process), told.hosted_agents)
            connections.add_metric((service, told.process), told.connections)
    yield from (agents, connections)


def _uncounted(reported: list[Reported]) -> Iterator[Metric]:
    calls = _gauge("ag2trust_uncounted_calls", "Calls of a runner, not counted yet.")
    oldest = _gauge(
        "ag2trust_oldest_uncounted_seconds",
        "Age of the oldest call, message or tool call that is not counted yet.",
    )
    for service, told in reported:
        if isinstance(told, RunnerMeasured):
            who = (service, told.process)
            if told.uncounted_calls is not None:
                calls.add_metric(who, told.uncounted_calls)
            if told.oldest_uncounted_seconds is not None:
                oldest.add_metric(who, told.oldest_uncounted_seconds)
    yield from (calls, oldest)


def _gauge(name: str, told: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, labels=_WHO)
