"""What Prometheus is told of processes that it cannot ask."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from metrics.counting.measurements import Measurements
from metrics.counting.reports import PROCESSES_AT_MOST, SILENT_AFTER_SECONDS, Reports
from shared.contracts.measurements import Answered, ProcessMeasured, RunnerMeasured

LABELS = ("service", "process", "question", "code")


class Watch:
    """Reports, and a clock that stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reports = Reports(lambda: self.now)
        self._measurements = Measurements(self.reports)

    def shown(self, name: str) -> dict[tuple[str | None, ...], float]:
        """Return what a metric says, by the values of its labels."""
        return {
            tuple(map(sample.labels.get, LABELS[: len(sample.labels)])): sample.value
            for sample in self._samples()
            if sample.name == name
        }

    def _samples(self) -> Iterator[Any]:
        text = self._measurements.text().decode()
        for family in text_string_to_metric_families(text):
            yield from family.samples


@pytest.fixture
def watch() -> Watch:
    return Watch()


def runner(name: str = "runner-1", **figures: Any) -> RunnerMeasured:
    told = {"cpu_seconds": 1.5, "hosted_agents": 3, "connections": 5, **figures}
    return RunnerMeasured(process=name, **told)


def test_a_runner_is_told_by_what_it_hosts_and_uses(watch: Watch) -> None:
    watch.reports.runner(runner(resident_bytes=1024, open_files=7))

    who = ("agent_runner", "runner-1")
    assert watch.shown("ag2trust_hosted_agents") == {who: 3}
    assert watch.shown("ag2trust_agent_connections") == {who: 5}
    assert watch.shown("ag2trust_process_cpu_seconds_total") == {who: 1.5}
    assert watch.shown("ag2trust_process_resident_memory_bytes") == {who: 1024}
    assert watch.shown("ag2trust_process_open_fds") == {who: 7}


def test_a_runner_is_told_by_what_is_not_counted_of_it(watch: Watch) -> None:
    watch.reports.runner(runner(uncounted_calls=4, oldest_uncounted_seconds=2.5))
    watch.reports.runner(runner("of-before"))

    who = ("agent_runner", "runner-1")
    assert watch.shown("ag2trust_uncounted_calls") == {who: 4}
    assert watch.shown("ag2trust_oldest_uncounted_seconds") == {who: 2.5}


def test_credentials_are_told_by_their_answers_and_host_nothing(watch: Watch) -> None:
    answered = Answered(
        question="credentials.v1.lease", code="LEASE_REFUSED", times=2, seconds=0.5
    )
    told = ProcessMeasured(process="vault", cpu_seconds=1, answered=(answered,))

    watch.reports.credentials(told)

    which = ("credentials", "vault", "credentials.v1.lease", "LEASE_REFUSED")
    assert watch.shown("ag2trust_questions_total") == {which: 2}
    assert watch.shown("ag2trust_question_seconds_total") == {which: 0.5}
    assert watch.shown("ag2trust_hosted_agents") == {}
    assert watch.shown("ag2trust_process_open_fds") == {}


def test_the_latest_report_of_a_process_counts(watch: Watch) -> None:
    watch.reports.runner(runner(hosted_agents=3))
    watch.reports.runner(runner(hosted_agents=2))

    assert list(watch.shown("ag2trust_hosted_agents").values()) == [2]


def test_who_has_fallen_silent_is_not_told_of_any_more(watch: Watch) -> None:
    watch.reports.runner(runner("gone"))
    watch.now = SILENT_AFTER_SECONDS
    watch.reports.runner(runner("here"))
    at_the_limit = watch.shown("ag2trust_hosted_agents")
    watch.now += 1

    assert at_the_limit.keys() == {("agent_runner", "gone"), ("agent_runner", "here")}
    assert watch.shown("ag2trust_hosted_agents").keys() == {("agent_runner", "here")}


def test_there_are_places_for_so_many_processes(watch: Watch) -> None:
    for number in range(2 * PROCESSES_AT_MOST):
        watch.reports.runner(runner(f"runner-{number}"))

    assert len(watch.shown("ag2trust_hosted_agents")) == PROCESSES_AT_MOST
