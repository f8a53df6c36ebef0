"""The hours and days of a time zone, as stretches of time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.usage import Interval

from .rollups import Grain
from .spans import Span

__all__ = ["buckets", "longest_grain"]

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)


def buckets(span: Span, interval: Interval, zone: ZoneInfo) -> Iterator[Span]:
    """Cut *span* where an hour or a day of *zone* begins, lazily, oldest first.

    On the clock of *zone*: a day may have 23 or 25 hours; an hour that is repeated is
    two, one that is skipped none; where a clock moves by half an hour, one is shorter.
    """
    if span.is_empty:
        return
    ends = _hours(span.since, zone) if interval is Interval.HOUR else None
    since = span.since
    for end in ends or _days(span.since, zone):
        yield Span(since, min(end, span.until))
        if end >= span.until:
            return
        since = end


def longest_grain(bounds: list[datetime]) -> Grain:
    """Return the longest grain whose rollups none of *bounds* would cut."""
    for grain in (Grain.DAY, Grain.HOUR, Grain.QUARTER):
        if all(grain.floor(each) == each for each in bounds):
            return grain
    return Grain.MINUTE


def _days(after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the beginnings of days, in UTC; a day that a zone skipped has none."""
    day = after.astimezone(zone).date()
    last = after
    while True:
        day += _DAY
        begins = _midnight(day, zone)
        if begins > last:
            yield begins
            last = begins


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when *day* begins; where no clock shows 0:00, when it jumps past it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _hours(after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    begins = after
    while True:
        begins = _next_hour(begins, zone)
        yield begins


def _next_hour(time: datetime, zone: ZoneInfo) -> datetime:
    """Go to the next full hour; look closer where the clock is moved before it."""
    local = time.astimezone(zone)
    into = timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    full = time + _HOUR - into
    if full.astimezone(zone).utcoffset() == local.utcoffset():
        return full
    moved = Grain.QUARTER.ceil(time + timedelta.resolution)
    while moved < full and moved.astimezone(zone).utcoffset() == local.utcoffset():
        moved += _QUARTER
    return moved
