"""Generated weeks of traffic, and faults to put into them."""

import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from math import cos, pi

from metrics.detection.traffic import (
    DAYS_BEFORE,
    QUARTERS_AROUND,
    Amount,
    Minute,
    Usual,
)
from metrics.rollups.sketch import Sketch

__all__ = [
    "BEGINNING",
    "DAY",
    "MINUTE",
    "Call",
    "Character",
    "Fault",
    "NightlyJob",
    "Week",
]

BEGINNING = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY, MINUTE, QUARTER = timedelta(days=1), timedelta(minutes=1), timedelta(minutes=15)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Call:
    at: datetime
    tokens: int
    duration_ms: int
    failed: bool

    @property
    def ends_at(self) -> datetime:
        return self.at + timedelta(milliseconds=self.duration_ms)


Fault = Callable[[random.Random, Call], list[Call]]
"""What becomes of a call while the fault lasts."""


@dataclass(frozen=True, slots=True)
class Character:
    """How an agent is used: calls a minute at *busy* and *calm* hours of the day."""

    name: str
    calm: float
    busy: float
    weekend: float = 0.4
    tokens: float = 1_500
    duration_ms: float = 1_800
    spread: float = 0.9
    failing: float = 0.02

    def calls(self, days: int, draw: random.Random) -> Iterator[Call]:
        """Draw calls one after another, more at noon than at midnight."""
        at, most = BEGINNING, max(self.calm, self.busy)
        while (at := at + draw.expovariate(most) * MINUTE) < BEGINNING + days * DAY:
            if draw.random() < self._rate(at) / most:
                yield Call(
                    at,
                    tokens=round(self.tokens * draw.lognormvariate(0, 0.9)),
                    duration_ms=round(
                        self.duration_ms * draw.lognormvariate(0, self.spread)
                    ),
                    failed=draw.random() < self.failing,
                )

    def _rate(self, at: datetime) -> float:
        noon = (1 - cos(2 * pi * (at.hour + at.minute / 60) / 24)) / 2
        rate = self.calm + (self.busy - self.calm) * noon
        return rate * (self.weekend if at.weekday() >= _SATURDAY else 1)


@dataclass(frozen=True, slots=True)
class NightlyJob:
    """An agent that works through what the day has left, in a few minutes each night.

    How much that is differs from night to night, and so does when it begins.
    """

    name: str
    calls_a_night: float
    minutes: float = 4
    nights_differ: float = 0.2
    tokens: float = 1_500

    def calls(self, days: int, draw: random.Random) -> Iterator[Call]:
        """Draw the calls of one night after another."""
        for day in range(days):
            begins = BEGINNING + day * DAY + (120 + 10 * draw.random()) * MINUTE
            many = self.calls_a_night * draw.lognormvariate(0, self.nights_differ)
            for into in sorted(
                self.minutes * draw.random() for _ in range(round(many))
            ):
                yield Call(
                    begins + into * MINUTE,
                    tokens=round(self.tokens * draw.lognormvariate(0, 0.9)),
                    duration_ms=round(1_800 * draw.lognormvariate(0, 0.9)),
                    failed=draw.random() < 0.02,
                )


class Week:
    """What an agent did, as the rules see it at any time: counted when it ended."""

    def __init__(self, calls: Iterator[Call]) -> None:
        self._minutes: dict[datetime, list[Call]] = defaultdict(list)
        self._quarters: dict[datetime, list[Call]] = defaultdict(list)
        self._days: dict[datetime, list[Call]] = defaultdict(list)
        for call in calls:
            self._minutes[call.at.replace(second=0, microsecond=0)].append(call)
        self._starts = sorted(self._minutes)
        for at in self._starts:
            self._quarters[_floor(at, QUARTER)] += self._minutes[at]
            self._days[_floor(at, DAY)] += self._minutes[at]
        minutes = [_amount(self._minutes[at]) for at in self._starts]
        self._five_minutes = [
            Amount(*map(sum, zip(*minutes[first : place + 1], strict=True)))
            for place, at in enumerate(self._starts)
            for first in (bisect_left(self._starts, at - 4 * MINUTE),)
        ]
        self._ended: dict[datetime, Minute] = {}
        self._usual: dict[datetime, Usual] = {}
        self._whole_days: dict[datetime, Usual] = {}

    def minutes(self, now: datetime) -> list[Minute]:
        first = bisect_left(self._starts, now - QUARTER)
        last = bisect_right(self._starts, now)
        return [self._minute(each, now) for each in self._starts[first:last]]

    def _minute(self, start: datetime, now: datetime) -> Minute:
        if start in self._ended:
            return self._ended[start]
        ended = [each for each in self._minutes[start] if each.ends_at <= now]
        minute = Minute(
            starts_at=start,
            calls=len(ended),
            failed_calls=sum(each.failed for each in ended),
            tokens=sum(each.tokens for each in ended),
            response_times=Sketch.of(each.duration_ms for each in ended),
        )
        if len(ended) == len(self._minutes[start]):
            self._ended[start] = minute
        return minute

    def usual(self, now: datetime) -> Usual:
        quarter = _floor(now, QUARTER)
        if quarter not in self._usual:
            self._usual[quarter] = self._make_usual(quarter)
        return self._usual[quarter]

    def _make_usual(self, quarter: datetime) -> Usual:
        return replace(
            self._usual_of_whole_days(_floor(quarter, DAY)),
            quarters=[
                _amount(calls)
                for ago in range(1, DAYS_BEFORE + 1)
                for away in range(-QUARTERS_AROUND // QUARTER, 5)
                if (calls := self._quarters.get(quarter - ago * DAY + away * QUARTER))
            ],
            busiest_five_minutes=_most_of(
                _most_of(self._five_minutes_about(quarter - ago * DAY))
                for ago in range(1, DAYS_BEFORE + 1)
            ),
        )

    def _five_minutes_about(self, quarter: datetime) -> list[Amount]:
        first = bisect_left(self._starts, quarter - QUARTERS_AROUND)
        last = bisect_left(self._starts, quarter + QUARTERS_AROUND + QUARTER)
        return self._five_minutes[first:last]

    def _usual_of_whole_days(self, today: datetime) -> Usual:
        """Make what is the same all day once for its hundred quarters."""
        if today not in self._whole_days:
            before = [today - ago * DAY for ago in range(1, DAYS_BEFORE + 1)]
            calls = [call for day in before for call in self._days.get(day, ())]
            self._whole_days[today] = Usual(
                calls=len(calls),
                failed_calls=sum(each.failed for each in calls),
                response_times=Sketch.of(each.duration_ms for each in calls),
            )
        return self._whole_days[today]


def _amount(calls: Collection[Call]) -> Amount:
    return Amount(len(calls), sum(each.tokens for each in calls))


def _most_of(amounts: Iterable[Amount]) -> Amount:
    return Amount(*map(max, zip(Amount(), *amounts, strict=True)))


def with_fault(
    calls: Iterator[Call], fault: Fault, *, since: datetime, draw: random.Random
) -> Iterator[Call]:
    """Let *fault* begin *since* then; what comes long after that is left out."""
    for call in takewhile(lambda each: each.at < since + 5 * MINUTE, calls):
        if call.at < since:
            yield call
        else:
            yield from fault(draw, call)


def runaway(draw: random.Random, call: Call) -> list[Call]:
    """Ask twenty times where once would do."""
    return [
        replace(call, at=call.at + draw.random() * timedelta(seconds=20))
        for _ in range(20)
    ]


def outage(_: random.Random, call: Call) -> list[Call]:
    """Fail at once."""
    return [replace(call, failed=True, tokens=0, duration_ms=50)]


def most_of_an_outage(draw: random.Random, call: Call) -> list[Call]:
    """Fail three times of four."""
    return outage(draw, call) if draw.random() < 0.75 else [call]


def slowness(_: random.Random, call: Call) -> list[Call]:
    """Take ten times as long."""
    return [replace(call, duration_ms=call.duration_ms * 10)]


def _floor(time: datetime, length: timedelta) -> datetime:
    return time - (time - BEGINNING) % length
