"""The pauses between attempts: longer and longer, never in step, and not forever."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics.webhooks.pauses import ATTEMPTS, pause_after

chances = st.floats(min_value=0, max_value=1)


def test_the_pauses_grow_to_a_day_and_end() -> None:
    pauses = [pause_after(failures, chance=0) for failures in range(1, ATTEMPTS + 1)]

    assert pauses == [
        timedelta(seconds=5),
        timedelta(seconds=20),
        timedelta(seconds=80),
        timedelta(seconds=320),
        timedelta(seconds=1280),
        timedelta(seconds=5120),
        timedelta(seconds=20480),
        timedelta(seconds=81920),
        timedelta(hours=24),
        None,
    ]


@given(failures=st.integers(1, ATTEMPTS - 1), chance=chances)
def test_chance_shortens_a_pause_by_a_fifth_at_most(
    failures: int, chance: float
) -> None:
    longest = pause_after(failures, chance=0)
    pause = pause_after(failures, chance=chance)

    assert longest is not None
    assert pause is not None
    assert longest * 0.79 < pause <= longest


@given(failures=st.integers(ATTEMPTS, ATTEMPTS * 100), chance=chances)
def test_after_the_last_attempt_there_is_no_other(failures: int, chance: float) -> None:
    assert pause_after(failures, chance=chance) is None
