from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metrics.rollups.rollups import Grain
from metrics.rollups.spans import BEGINNING, END, Reading, Span, reading

NEWYEAR = datetime(2026, 1, 1, tzinfo=UTC)

times = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - given its zone by hypothesis
    datetime(2026, 1, 5),  # noqa: DTZ001 - given its zone by hypothesis
    timezones=st.just(UTC),
) | st.integers(0, 4 * 24 * 60).map(lambda minute: at(minutes=minute))


def at(**after: float) -> datetime:
    return NEWYEAR + timedelta(**after)


def test_a_period_is_read_in_the_longest_rollups_that_fit() -> None:
    span = Span(at(hours=21, minutes=43, seconds=10), at(days=2, hours=1, seconds=5))

    assert reading(span, minutes_since=BEGINNING) == Reading(
        rollups=(
            (Grain.MINUTE, Span(at(hours=21, minutes=44), at(hours=21, minutes=45))),
            (Grain.QUARTER, Span(at(hours=21, minutes=45), at(hours=22))),
            (Grain.HOUR, Span(at(hours=22), at(days=1))),
            (Grain.DAY, Span(at(days=1), at(days=2))),
            (Grain.HOUR, Span(at(days=2), at(days=2, hours=1))),
        ),
        calls=(
            Span(at(hours=21, minutes=43, seconds=10), at(hours=21, minutes=44)),
            Span(at(days=2, hours=1), at(days=2, hours=1, seconds=5)),
        ),
    )


def test_all_time_is_read_in_days() -> None:
    assert reading(Span(BEGINNING, END), minutes_since=NEWYEAR) == Reading(
        rollups=((Grain.DAY, Span(BEGINNING, END)),), calls=()
    )


def test_what_has_no_minutes_any_more_is_read_from_calls() -> None:
    span = Span(at(minutes=1), at(minutes=14))

    assert reading(span, minutes_since=at(minutes=5, seconds=1)) == Reading(
        rollups=((Grain.MINUTE, Span(at(minutes=6), at(minutes=14))),),
        calls=(Span(at(minutes=1), at(minutes=6)),),
    )


@given(
    since=times,
    until=times,
    minutes_since=times,
    longest=st.sampled_from(Grain),
)
def test_the_pieces_make_up_the_period_without_gap_or_overlap(
    since: datetime, until: datetime, minutes_since: datetime, longest: Grain
) -> None:
    read = reading(Span(since, until), minutes_since=minutes_since, longest=longest)

    pieces = [*(piece for _, piece in read.rollups), *read.calls]
    pieces.sort(key=lambda piece: piece.since)
    assert all(piece.since < piece.until for piece in pieces)
    if since < until:
        assert pieces[0].since == since
        assert pieces[-1].until == until
    assert all(one.until == next_.since for one, next_ in pairwise(pieces))


@given(since=times, until=times, minutes_since=times, longest=st.sampled_from(Grain))
def test_rollups_are_whole_and_no_longer_than_allowed(
    since: datetime, until: datetime, minutes_since: datetime, longest: Grain
) -> None:
    read = reading(Span(since, until), minutes_since=minutes_since, longest=longest)

    for grain, piece in read.rollups:
        assert grain.length <= longest.length
        assert grain.floor(piece.since) == piece.since
        assert grain.floor(piece.until) == piece.until
        assert grain is not Grain.MINUTE or piece.since >= minutes_since


@given(since=times, until=times)
def test_of_calls_less_than_a_minute_is_read_at_either_end(
    since: datetime, until: datetime
) -> None:
    read = reading(Span(since, until), minutes_since=NEWYEAR)

    assert len(read.calls) <= 2
    assert len(read.rollups) <= 7
    assert all(piece.until - piece.since < timedelta(minutes=1) for piece in read.calls)


@given(since=times, until=times, minutes_since=times, longest=st.sampled_from(Grain))
def test_what_rollups_cover_is_all_that_calls_do_not(
    since: datetime, until: datetime, minutes_since: datetime, longest: Grain
) -> None:
    read = reading(Span(since, until), minutes_since=minutes_since, longest=longest)

    covered = sorted([*read.in_rollups, *read.calls], key=lambda piece: piece.since)

    assert sum((each.until - each.since for each in read.in_rollups), timedelta()) == (
        sum((each.until - each.since for _, each in read.rollups), timedelta())
    )
    assert all(one.until == next_.since for one, next_ in pairwise(covered))
    assert all(one.until < next_.since for one, next_ in pairwise(read.in_rollups))
