from dataclasses import dataclass

import pytest

from agent_runner.tenure import Tenure
from shared.errors import UnavailableError


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds(100.0)


@pytest.fixture
def tenure(clock: Seconds) -> Tenure:
    return Tenure(runner="runner-1", epoch=1, asked_at=100.0, clock=clock)


def test_a_tenure_is_held_for_nine_seconds(tenure: Tenure, clock: Seconds) -> None:
    clock.now = 108.9
    held = tenure.is_held
    clock.now = 109.0

    assert held
    assert not tenure.is_held


def test_a_renewal_counts_from_when_it_was_asked_for(
    tenure: Tenure, clock: Seconds
) -> None:
    clock.now = 108.0
    tenure.renew(asked_at=103.0)
    clock.now = 111.9
    held = tenure.is_held
    clock.now = 112.0

    assert held
    assert not tenure.is_held


def test_a_late_renewal_makes_it_held_again(tenure: Tenure, clock: Seconds) -> None:
    clock.now = 200.0

    tenure.renew(asked_at=199.0)

    tenure.require()


def test_what_needs_the_record_is_refused_without_it(
    tenure: Tenure, clock: Seconds
) -> None:
    clock.now = 109.0

    with pytest.raises(UnavailableError):
        tenure.require()


def test_calls_go_on_for_five_minutes_without_the_record(
    tenure: Tenure, clock: Seconds
) -> None:
    clock.now = 399.0
    admitted = tenure.admits_calls
    clock.now = 400.0

    assert admitted
    assert not tenure.admits_calls


def test_a_lost_tenure_counts_for_nothing_whatever_comes_later(tenure: Tenure) -> None:
    tenure.lose()
    tenure.renew(asked_at=100.0)

    assert not tenure.is_held
    assert not tenure.admits_calls
