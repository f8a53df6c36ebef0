"""How a period is read: in the longest rollups that fit, and calls at its edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .rollups import Grain

__all__ = ["BEGINNING", "END", "Reading", "Span", "reading"]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 30, tzinfo=UTC)
"""No call starts before the one or from the other on: the ledger sees to it.

Whatever a clock in any time zone shows up to the end, there is a day after it.
"""

_LONGEST_FIRST = (Grain.DAY, Grain.HOUR, Grain.QUARTER, Grain.MINUTE)


@dataclass(frozen=True, slots=True)
class Span:
    """From *since* up to, without, *until*."""

    since: datetime
    until: datetime

    @property
    def is_empty(self) -> bool:
        return self.since >= self.until


@dataclass(frozen=True, slots=True)
class Reading:
    """Spans that touch and do not overlap: of rollups by their grain, and of calls."""

    rollups: tuple[tuple[Grain, Span], ...]
    calls: tuple[Span, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.rollups or self.calls)

    @property
    def in_rollups(self) -> list[Span]:
        """What rollups of any grain cover, without a cut where one touches another."""
        spans: list[Span] = []
        for _, span in self.rollups:
            if spans and spans[-1].until == span.since:
                spans[-1] = Span(spans[-1].since, span.until)
            else:
                spans.append(span)
        return spans


def reading(
    span: Span, *, minutes_since: datetime, longest: Grain = Grain.DAY
) -> Reading:
    """Cut *span* into whole rollups of at most *longest* and what is left over.

    Rollups of minutes are relied upon from *minutes_since* on alone.
    """
    grains = _LONGEST_FIRST[_LONGEST_FIRST.index(longest) :]
    pieces = _cut(span, grains, Grain.MINUTE.ceil(minutes_since))
    return Reading(
        rollups=tuple((grain, piece) for grain, piece in pieces if grain is not None),
        calls=tuple(piece for grain, piece in pieces if grain is None),
    )


def _cut(
    span: Span, grains: Sequence[Grain], minutes_since: datetime
) -> list[tuple[Grain | None, Span]]:
    """Take the middle in the first grain; cut what is before and after it finer."""
    if span.is_empty:
        return []
    if not grains:
        return [(None, span)]
    grain, finer = grains[0], grains[1:]
    middle = Span(grain.ceil(span.since), grain.floor(span.until))
    if grain is Grain.MINUTE:
        middle = Span(max(middle.since, minutes_since), middle.until)
    if middle.is_empty:
        return _cut(span, finer, minutes_since)
    return [
        *_cut(Span(span.since, middle.since), finer, minutes_since),
        (grain, middle),
        *_cut(Span(middle.until, span.until), finer, minutes_since),
    ]
