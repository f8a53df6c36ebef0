from hypothesis import given
from hypothesis import strategies as st

from metrics.reading.recent_percentiles import RecentPercentiles
from metrics.rollups.sketch import Sketch

durations = st.lists(st.integers(0, 10_000), max_size=9)


@given(asked=st.lists(durations, max_size=20), at_most=st.integers(1, 3))
def test_whatever_was_asked_before_they_are_those_of_the_sketch(
    asked: list[list[int]], at_most: int
) -> None:
    recent = RecentPercentiles(at_most=at_most)

    for sketch in [Sketch.of(each) for each in asked + asked]:
        found = recent.p50_and_p95(sketch.to_bytes(), count=sketch.count)

        assert list(found) == sketch.percentiles(0.5, 0.95)
