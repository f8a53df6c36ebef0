"""Circuit breakers, with a clock that stands still."""

from uuid import UUID

import pytest

from agent_runner.proxy.breaker import Breakers

HERE, THERE = (UUID(int=1), "gpt-4o"), (UUID(int=1), "gpt-4o-mini")
NOW = 1000.0
CALL, ANOTHER = object(), object()


@pytest.fixture
def breakers() -> Breakers:
    return Breakers(jitter=lambda: 0.0)


def opened(breakers: Breakers) -> None:
    for _ in range(3):
        breakers.failed(HERE, CALL, NOW)


def test_three_failures_in_a_row_open_it_for_a_while(breakers: Breakers) -> None:
    breakers.failed(HERE, CALL, NOW)
    breakers.failed(HERE, CALL, NOW)
    still = breakers.admits(HERE, CALL, NOW)

    breakers.failed(HERE, CALL, NOW)

    assert still
    assert not breakers.admits(HERE, CALL, NOW + 4.9)
    assert breakers.admits(HERE, CALL, NOW + 5)


def test_failures_of_calls_that_were_under_way_make_no_rest_longer(
    breakers: Breakers,
) -> None:
    for _ in range(10):
        breakers.failed(HERE, CALL, NOW)

    assert breakers.admits(HERE, CALL, NOW + 5)


def test_a_success_between_them_closes_it(breakers: Breakers) -> None:
    for _ in range(5):
        breakers.failed(HERE, CALL, NOW)
        breakers.failed(HERE, CALL, NOW)
        breakers.succeeded(HERE)

    assert breakers.admits(HERE, CALL, NOW)


def test_it_is_of_one_provider_and_model(breakers: Breakers) -> None:
    opened(breakers)

    assert breakers.admits(THERE, CALL, NOW)


def test_one_call_at_a_time_probes_it(breakers: Breakers) -> None:
    opened(breakers)

    assert [breakers.admits(HERE, CALL, NOW + 5) for _ in range(3)] == [
        True,
        False,
        False,
    ]


def test_a_probe_that_succeeds_closes_it(breakers: Breakers) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)

    breakers.succeeded(HERE)

    assert all(breakers.admits(HERE, CALL, NOW + 5) for _ in range(3))


def test_each_probe_that_fails_makes_the_next_rest_longer(breakers: Breakers) -> None:
    opened(breakers)
    rests, now = [], NOW

    for _ in range(6):
        start = now
        while not breakers.admits(HERE, CALL, now):
            now += 1
        rests.append(now - start)
        breakers.failed(HERE, CALL, now)

    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_probe_that_nobody_waits_for_makes_way_for_another(
    breakers: Breakers,
) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)

    breakers.gave_up(HERE, CALL)

    assert breakers.admits(HERE, CALL, NOW + 5)


def test_a_failure_of_another_call_is_not_the_probes(breakers: Breakers) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)

    breakers.failed(HERE, ANOTHER, NOW + 6)

    assert not breakers.admits(HERE, ANOTHER, NOW + 34.9)
    assert breakers.admits(HERE, ANOTHER, NOW + 35)


def test_a_call_that_gives_up_makes_no_way_beside_a_probe(breakers: Breakers) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)

    breakers.gave_up(HERE, ANOTHER)

    assert not breakers.admits(HERE, ANOTHER, NOW + 6)


def test_a_probe_that_fails_behind_another_call_is_still_one(
    breakers: Breakers,
) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)
    breakers.failed(HERE, ANOTHER, NOW + 6)

    breakers.failed(HERE, CALL, NOW + 7)

    assert not breakers.admits(HERE, CALL, NOW + 16.9)
    assert breakers.admits(HERE, CALL, NOW + 17)


def test_one_probe_that_never_ends_does_not_keep_it_open(breakers: Breakers) -> None:
    opened(breakers)
    breakers.admits(HERE, CALL, NOW + 5)

    assert breakers.admits(HERE, CALL, NOW + 5 + 30)


def test_of_two_times_to_wait_the_later_one_counts(breakers: Breakers) -> None:
    breakers.failed(HERE, CALL, NOW, retry_after_seconds=20)
    breakers.failed(HERE, CALL, NOW, retry_after_seconds=1)
    breakers.failed(HERE, CALL, NOW)

    assert not breakers.admits(HERE, CALL, NOW + 19.9)
    assert breakers.admits(HERE, CALL, NOW + 20)


def test_no_provider_keeps_itself_away_for_long(breakers: Breakers) -> None:
    breakers.failed(HERE, CALL, NOW, retry_after_seconds=1e9)

    assert breakers.admits(HERE, CALL, NOW + 300)


def test_jitter_makes_a_rest_longer_and_never_shorter() -> None:
    breakers = Breakers(jitter=lambda: 1.0)
    breakers.failed(HERE, CALL, NOW, retry_after_seconds=20)

    assert not breakers.admits(HERE, CALL, NOW + 24.9)
    assert breakers.admits(HERE, CALL, NOW + 25)
