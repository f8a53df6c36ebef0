"""When a session's end is told: at 60, 15 and 5 minutes and at the end, each once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.providers.expiry import WARNED_AT_MINUTES, step_due

END = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _due(minutes_left: float, told: int | None = None) -> int | None:
    return step_due(END, told_minutes=told, now=END - timedelta(minutes=minutes_left))


@pytest.mark.parametrize(
    ("minutes_left", "told", "due"),
    [
        (61, None, None),
        (60, None, 60),
        (59, 60, None),
        (15.1, 60, None),
        (15, 60, 15),
        (5, 15, 5),
        (0.1, 5, None),
        (0, 5, 0),
        (-100, 0, None),
        # Time has passed over some: they are not told late.
        (10, None, 15),
        (4, 60, 5),
        (-1, None, 0),
        (-1, 60, 0),
    ],
)
def test_a_step_is_told_when_it_is_reached_and_once(
    minutes_left: float, told: int | None, due: int | None
) -> None:
    assert _due(minutes_left, told) == due


@given(seconds_left=st.lists(st.integers(-600, 5400), min_size=1))
def test_however_often_one_looks_steps_come_in_order_and_once(
    seconds_left: list[int],
) -> None:
    told: list[int] = []

    for seconds in sorted(seconds_left, reverse=True):
        step = _due(seconds / 60, told[-1] if told else None)
        if step is not None:
            told.append(step)

    assert told == sorted({*told}, reverse=True)
    assert {*told} <= {*WARNED_AT_MINUTES, 0}
    assert (0 in told) == (min(seconds_left) <= 0)
