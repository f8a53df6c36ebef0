"""The period a question is about: the last days, or from one time to another."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shared.contracts.base import Instant
from shared.contracts.limits import TimeZone

from .routing.reading import Input, invalid_query

__all__ = [
    "Period",
    "PeriodQuery",
    "Timestamp",
    "last_day_unless_given",
    "listed_period_of",
    "period_of",
]

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE
)
_LENGTHS = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}


def _timestamp(value: object) -> object:
    """Refuse what pydantic takes beyond RFC 3339, such as a number of seconds."""
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        raise PydanticCustomError(
            "timestamp", "must be a time with its zone, as 2026-01-31T09:30:00Z"
        )
    return value


Timestamp = Annotated[Instant, BeforeValidator(_timestamp)]


class PeriodQuery(Input):
    """`period`, or `days`, or `from` and `to`; or none, for everything.

    `tz` is the zone whose hours and days are meant, where any are.
    """

    period: Literal["24h", "7d", "30d", "90d"] | None = None
    days: int | None = Field(default=None, ge=1, le=90)
    since: Timestamp | None = Field(default=None, alias="from")
    until: Timestamp | None = Field(default=None, alias="to")
    tz: TimeZone = "UTC"


@dataclass(frozen=True, slots=True)
class Period:
    """From *since* up to, without, *until*, in UTC; None is open."""

    since: datetime | None
    until: datetime | None


def period_of(query: PeriodQuery, *, now: datetime) -> Period:
    """Raise `InvalidError` for two periods at once, and for one that is none."""
    _require_one_way_of_saying(query)
    length = _length_of(query)
    if length is not None:
        return Period(since=now - length, until=now)
    if query.since and query.until and query.since >= query.until:
        raise invalid_query({"to": "must be later than from"})
    return Period(since=_in_utc(query.since), until=_in_utc(query.until))


def last_day_unless_given(query: PeriodQuery, *, now: datetime) -> Period:
    """As `period_of`, but the last 24 hours for a query that names no period."""
    period = period_of(query, now=now)
    if period == Period(None, None):
        return Period(since=now - _LENGTHS["24h"], until=now)
    return period


def listed_period_of(query: PeriodQuery, *, now: datetime, is_of_one: bool) -> Period:
    """Say of when calls are listed: as above, or of any time if of *one* thing.

    The end is open unless it is given: what a clock ahead of ours dates is listed, too.
    """
    named = period_of if is_of_one else last_day_unless_given
    period = named(query, now=now)
    return replace(period, until=_in_utc(query.until))


def _require_one_way_of_saying(query: PeriodQuery) -> None:
    ways = {
        "period": query.period is not None,
        "days": query.days is not None,
        "from": query.since is not None or query.until is not None,
    }
    used = [way for way, is_used in ways.items() if is_used]
    if len(used) > 1:
        problem = f"Cannot stand beside {used[0]}"
        raise invalid_query(dict.fromkeys(used[1:], problem))


def _length_of(query: PeriodQuery) -> timedelta | None:
    if query.period is not None:
        return _LENGTHS[query.period]
    return timedelta(days=query.days) if query.days is not None else None


def _in_utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time else None
