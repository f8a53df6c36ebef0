"""What an agent does now, by the minute, and what is usual of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from metrics.rollups.sketch import Sketch

__all__ = [
    "DAYS_BEFORE",
    "QUARTERS_AROUND",
    "Amount",
    "Minute",
    "Usual",
    "Window",
    "window",
]

DAYS_BEFORE = 7
"""Of how many days the usual is made: a week, for no two of its days are alike."""

QUARTERS_AROUND = timedelta(hours=1)
"""How far from the time of the day a quarter of an hour may lie to be like it."""

_CALLS_OF_A_HISTORY = 100


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of an agent; *tokens* of all kinds."""

    starts_at: datetime
    calls: int
    failed_calls: int
    tokens: int
    response_times: Sketch


@dataclass(frozen=True, slots=True)
class Window:
    """The last minutes together."""

    since: datetime
    until: datetime
    minutes: Sequence[Minute]

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.minutes)

    @property
    def failed_calls(self) -> int:
        return sum(each.failed_calls for each in self.minutes)

    @property
    def tokens(self) -> int:
        return sum(each.tokens for each in self.minutes)

    @property
    def tokens_of_busiest_minute(self) -> int:
        return max((each.tokens for each in self.minutes), default=0)

    @property
    def response_times(self) -> Sketch:
        return Sketch.merged(each.response_times for each in self.minutes)


class Amount(NamedTuple):
    """How much an agent did; *tokens* of all kinds."""

    calls: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Usual:
    """An agent's last seven days, today excluded.

    *quarters* are the quarters of an hour about this time of the day, of each day, that
    had any call, *busiest_five_minutes* the most calls and the most tokens of five
    minutes therein, None unless they were read; the rest is of whole days.
    """

    quarters: Sequence[Amount] = ()
    busiest_five_minutes: Amount | None = None
    calls: int = 0
    failed_calls: int = 0
    response_times: Sketch = field(default_factory=lambda: Sketch({}))

    @property
    def has_history(self) -> bool:
        return self.calls >= _CALLS_OF_A_HISTORY


def window(minutes: Iterable[Minute], *, until: datetime, length: timedelta) -> Window:
    """Choose the minute that runs *until* then and those before, *length* in all."""
    since = until.replace(second=0, microsecond=0) - length + timedelta(minutes=1)
    return Window(
        since=since,
        until=until,
        minutes=[each for each in minutes if since <= each.starts_at <= until],
    )
