import math
import struct
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.rollups.sketch import RELATIVE_ERROR, Sketch, percentiles_of

durations = st.lists(
    st.integers(0, 10_000_000) | st.integers(0, 2**63 - 1), max_size=99
)

# The middle of a bin is exactly that far from its ends: leave room for rounding.
WITHIN = RELATIVE_ERROR + 1e-9


def measured(values: list[int], fraction: float) -> int:
    """Return the duration in the place that a sketch answers for."""
    return sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]


def test_of_two_durations_it_is_the_longer_that_95_percent_are_within() -> None:
    p50, p95 = Sketch.of([4, 14]).percentiles(0.5, 0.95)

    assert p50 == pytest.approx(4, rel=WITHIN)
    assert p95 == pytest.approx(14, rel=WITHIN)


@given(values=durations.filter(bool), fraction=st.floats(0, 1))
def test_a_percentile_is_within_two_percent_of_a_measured_one(
    values: list[int], fraction: float
) -> None:
    found = Sketch.of(values).percentile(fraction)

    assert found == pytest.approx(measured(values, fraction), rel=WITHIN)


def test_without_durations_there_is_no_percentile() -> None:
    assert Sketch.of([]).percentile(0.5) is None
    assert Sketch.from_bytes(b"").percentile(0.5) is None


def test_a_duration_of_nothing_is_nothing() -> None:
    assert Sketch.of([0, 0, 0]).percentile(0.95) == 0


@given(values=durations)
def test_bytes_keep_all(values: list[int]) -> None:
    sketch = Sketch.of(values)

    assert Sketch.from_bytes(sketch.to_bytes()) == sketch


@given(parts=st.lists(durations, max_size=9))
def test_bytes_side_by_side_are_the_sketch_of_all(parts: list[list[int]]) -> None:
    together = b"".join(Sketch.of(part).to_bytes() for part in parts)

    assert Sketch.from_bytes(together) == Sketch.of(chain(*parts))


@given(parts=st.lists(durations, max_size=9), fraction=st.floats(0, 1))
def test_percentiles_of_bytes_are_those_of_their_sketch(
    parts: list[list[int]], fraction: float
) -> None:
    together = b"".join(Sketch.of(part).to_bytes() for part in parts)

    sketch = Sketch.of(chain(*parts))
    assert percentiles_of(together, fraction, 0.5, count=sketch.count) == (
        sketch.percentiles(fraction, 0.5)
    )


@pytest.mark.parametrize("count", [1, 2**15, 2**16 - 3, 2**16 - 2, 2**16, 2**24, 2**32])
def test_percentiles_of_bytes_are_right_with_large_counts(count: int) -> None:
    together = Sketch({7: count, 9: 1}).to_bytes() + Sketch({2: 1}).to_bytes()

    sketch = Sketch({2: 1, 7: count, 9: 1})
    assert percentiles_of(together, 0, 0.5, 1, count=sketch.count) == (
        sketch.percentiles(0, 0.5, 1)
    )


@given(one=durations, other=durations)
def test_a_sum_is_the_sketch_of_both(one: list[int], other: list[int]) -> None:
    assert Sketch.of(one) + Sketch.of(other) == Sketch.of(one + other)


@pytest.mark.parametrize("count", [1, 2**16, 2**32 - 1, 2**32, 2**40])
def test_large_counts_are_kept(count: int) -> None:
    sketch = Sketch({7: count})

    assert Sketch.from_bytes(sketch.to_bytes()) == sketch


def test_the_bytes_are_pairs_as_postgresql_would_send_them() -> None:
    assert Sketch.of([1, 1, 0]).to_bytes() == struct.pack(">HIHI", 0, 1, 1, 2)
