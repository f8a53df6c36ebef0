from datetime import timedelta

import pytest

from credentials.master_keys.circuit_breaker import CircuitBreaker, CircuitOpenError


class Stopwatch:
    """A clock in seconds that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def breaker(watch: Stopwatch) -> CircuitBreaker:
    return CircuitBreaker(failures=3, pause=timedelta(seconds=10), monotonic=watch)


def _fail(breaker: CircuitBreaker, *, times: int) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed()


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    _fail(breaker, times=3)

    with pytest.raises(CircuitOpenError) as raised:
        breaker.admit()

    assert raised.value.seconds_left == 10


def test_a_success_between_failures_keeps_it_closed(breaker: CircuitBreaker) -> None:
    _fail(breaker, times=2)
    breaker.succeeded()
    _fail(breaker, times=2)

    breaker.admit()


def test_after_the_pause_one_caller_probes_for_all(
    breaker: CircuitBreaker, watch: Stopwatch
) -> None:
    _fail(breaker, times=3)
    watch.seconds += 10

    breaker.admit()

    with pytest.raises(CircuitOpenError):
        breaker.admit()


def test_a_probe_that_succeeds_closes_it(
    breaker: CircuitBreaker, watch: Stopwatch
) -> None:
    _fail(breaker, times=3)
    watch.seconds += 10
    breaker.admit()

    breaker.succeeded()

    breaker.admit()
    breaker.admit()


def test_a_probe_that_fails_starts_another_pause(
    breaker: CircuitBreaker, watch: Stopwatch
) -> None:
    _fail(breaker, times=3)
    watch.seconds += 10
    _fail(breaker, times=1)
    watch.seconds += 9

    with pytest.raises(CircuitOpenError):
        breaker.admit()


def test_a_probe_that_never_tells_is_followed_by_another(
    breaker: CircuitBreaker, watch: Stopwatch
) -> None:
    _fail(breaker, times=3)
    watch.seconds += 10
    breaker.admit()
    watch.seconds += 10

    breaker.admit()
