import pytest

from agent_runner.hosting.takeover import Vigil
from agent_runner.repositories.tenures import Sighting

FIVE = Sighting("runner-2", epoch=1, renewals=5)
SIX = Sighting("runner-2", epoch=1, renewals=6)
RESTARTED = Sighting("runner-2", epoch=2, renewals=5)


def look(vigil: Vigil, at: float, *seen: Sighting, took: float = 0.0) -> list[Sighting]:
    return vigil.look(seen, asked_at=at, answered_at=at + took)


def watch(vigil: Vigil, *seen: Sighting, first: int, last: int) -> list[Sighting]:
    """Look once a second, and return what the last look says."""
    return [look(vigil, at, *seen) for at in range(first, last + 1)][-1]


@pytest.fixture
def vigil() -> Vigil:
    return Vigil()


def test_a_runner_that_stood_still_for_twelve_seconds_is_silent(vigil: Vigil) -> None:
    assert watch(vigil, FIVE, first=0, last=11) == []
    assert look(vigil, 12, FIVE) == [FIVE]


def test_time_counts_from_the_end_of_the_first_look_to_the_beginning_of_the_last(
    vigil: Vigil,
) -> None:
    look(vigil, 0, FIVE, took=1.0)
    watch(vigil, FIVE, first=2, last=12)

    assert look(vigil, 12.9, FIVE, took=1.0) == []
    assert look(vigil, 14, FIVE) == [FIVE]


@pytest.mark.parametrize("moved", [SIX, RESTARTED])
def test_a_renewal_or_a_restart_begins_the_count_anew(
    vigil: Vigil, moved: Sighting
) -> None:
    watch(vigil, FIVE, first=0, last=11)
    watch(vigil, moved, first=12, last=23)

    assert look(vigil, 23.5, moved) == []
    assert look(vigil, 24, moved) == [moved]


def test_a_look_that_failed_begins_the_count_anew(vigil: Vigil) -> None:
    watch(vigil, FIVE, first=0, last=11)
    vigil.break_off()

    assert watch(vigil, FIVE, first=12, last=23) == []


def test_a_pause_of_who_looks_begins_the_count_anew(vigil: Vigil) -> None:
    watch(vigil, FIVE, first=0, last=3)

    assert look(vigil, 30, FIVE) == []
    assert watch(vigil, FIVE, first=31, last=41) == []
    assert look(vigil, 42, FIVE) == [FIVE]


def test_each_runner_is_counted_by_itself(vigil: Vigil) -> None:
    other = Sighting("runner-3", epoch=1, renewals=9)
    watch(vigil, FIVE, first=0, last=5)
    watch(vigil, FIVE, other, first=6, last=11)

    assert look(vigil, 12, FIVE, other) == [FIVE]
