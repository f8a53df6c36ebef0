from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.rollups.buckets import buckets, longest_grain
from metrics.rollups.rollups import Grain
from metrics.rollups.spans import Span
from shared.contracts.usage import Interval

ZONES = sorted(available_timezones())


def local(text: str, zone: str, *, fold: int = 0) -> datetime:
    time = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return time.astimezone(UTC)


def lengths(interval: str, zone: str, since: str, until: str) -> list[float]:
    """Return the hours that each bucket of a period on the zone's clock takes."""
    span = Span(local(since, zone), local(until, zone))
    found = buckets(span, Interval(interval), ZoneInfo(zone))
    return [(each.until - each.since) / timedelta(hours=1) for each in found]


@pytest.mark.parametrize(
    ("zone", "since", "until", "hours"),
    [
        ("UTC", "2026-03-28T00:00", "2026-03-30T12:00", [24, 24, 12]),
        ("Europe/Berlin", "2026-03-28T06:00", "2026-03-31T00:00", [18, 23, 24]),
        ("Europe/Berlin", "2026-10-24T00:00", "2026-10-27T00:00", [24, 25, 24]),
        ("Asia/Kolkata", "2026-03-28T00:00", "2026-03-30T00:00", [24, 24]),
        ("Australia/Lord_Howe", "2026-04-04T00:00", "2026-04-07T00:00", [24, 24.5, 24]),
        # the clock jumps at midnight: the day begins at 1:00
        ("Asia/Beirut", "2026-03-28T00:00", "2026-03-31T00:00", [24, 23, 24]),
        # midnight comes twice: the day begins at the first
        ("America/Havana", "2026-10-31T00:00", "2026-11-03T00:00", [24, 25, 24]),
        # a day that never was
        ("Pacific/Apia", "2011-12-29T00:00", "2012-01-01T00:00", [24, 24]),
    ],
)
def test_days_are_those_of_the_zone(
    zone: str, since: str, until: str, hours: list[float]
) -> None:
    assert lengths("day", zone, since, until) == hours


@pytest.mark.parametrize(
    ("zone", "since", "until", "hours"),
    [
        ("UTC", "2026-03-28T10:30", "2026-03-28T12:15", [0.5, 1, 0.25]),
        # 2:00 is skipped; 2:00 comes twice
        ("Europe/Berlin", "2026-03-29T01:00", "2026-03-29T04:00", [1, 1]),
        ("Europe/Berlin", "2026-10-25T01:00", "2026-10-25T04:00", [1, 1, 1, 1]),
        ("Asia/Kathmandu", "2026-10-25T01:00", "2026-10-25T03:00", [1, 1]),
        # the clock moves by half an hour, and in the middle of an hour
        ("Australia/Lord_Howe", "2026-10-04T01:00", "2026-10-04T04:00", [1, 0.5, 1]),
        ("Australia/Lord_Howe", "2026-04-05T01:00", "2026-04-05T03:00", [1, 0.5, 1]),
        ("Pacific/Chatham", "2026-09-27T02:00", "2026-09-27T05:00", [0.75, 0.25, 1]),
    ],
)
def test_hours_are_those_of_the_zone(
    zone: str, since: str, until: str, hours: list[float]
) -> None:
    assert lengths("hour", zone, since, until) == hours


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    since=st.datetimes(
        datetime(1975, 1, 1),  # noqa: DTZ001 - given its zone by hypothesis
        datetime(2040, 1, 1),  # noqa: DTZ001 - given its zone by hypothesis
        timezones=st.just(UTC),
    ),
    hours=st.integers(1, 99),
    interval=st.sampled_from(Interval),
)
def test_buckets_touch_and_fill_the_period_and_no_clock_is_moved_inside_an_hour(
    zone: ZoneInfo, since: datetime, hours: int, interval: Interval
) -> None:
    until = since + timedelta(hours=hours)

    found = list(buckets(Span(since, until), interval, zone))

    assert found[0].since == since
    assert found[-1].until == until
    assert all(one.until == next_.since for one, next_ in pairwise(found))
    for each in found:
        last = (each.until - timedelta.resolution).astimezone(zone)
        first = each.since.astimezone(zone)
        assert first.date() == last.date()
        assert each.until - each.since <= timedelta(hours=26)
        if interval is Interval.HOUR:
            assert (first.hour, first.utcoffset()) == (last.hour, last.utcoffset())


@pytest.mark.parametrize(
    ("zone", "interval", "grain"),
    [
        ("UTC", "day", Grain.DAY),
        ("UTC", "hour", Grain.HOUR),
        ("Europe/Berlin", "day", Grain.HOUR),
        ("Asia/Kolkata", "day", Grain.QUARTER),
        ("Asia/Kathmandu", "hour", Grain.QUARTER),
    ],
)
def test_a_zone_is_read_in_the_longest_rollups_that_its_bounds_allow(
    zone: str, interval: str, grain: Grain
) -> None:
    span = Span(local("2026-03-01T00:00", zone), local("2026-04-15T00:00", zone))
    found = list(buckets(span, Interval(interval), ZoneInfo(zone)))

    assert longest_grain([each.since for each in found]) is grain


def test_no_zone_of_today_cuts_a_quarter_of_an_hour() -> None:
    span = Span(local("2025-01-01T00:00", "UTC"), local("2027-01-01T00:00", "UTC"))

    grains = {
        longest_grain(
            [each.until for each in buckets(span, Interval.DAY, ZoneInfo(zone))]
        )
        for zone in ZONES
    }

    assert Grain.MINUTE not in grains
