"""What the last minute's calls add up to, by agent."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["RecentCall", "RecentCalls", "Row"]

_SPAN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RecentCall:
    id: str
    agent: str
    model: str
    failed: bool
    tokens: int
    duration_ms: int | None
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One agent's minute; *average_ms* is of the calls whose time is known."""

    agent: str
    calls: int
    errors: int
    tokens: int
    average_ms: float | None
    models: str


@dataclass
class RecentCalls:
    """Keeps what ended within a minute; a call that comes twice counts once."""

    _kept: list[RecentCall] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def add(self, call: RecentCall) -> None:
        if call.id not in self._known:
            self._known.add(call.id)
            self._kept.append(call)

    def rows(self, now: datetime) -> list[Row]:
        """Add up by agent, those with most calls first."""
        self._forget_before(now - _SPAN)
        by_agent: dict[str, list[RecentCall]] = {}
        for call in self._kept:
            by_agent.setdefault(call.agent, []).append(call)
        rows = [_row(agent, calls) for agent, calls in by_agent.items()]
        return sorted(rows, key=lambda row: (-row.calls, row.agent))

    def _forget_before(self, past: datetime) -> None:
        recent = [call for call in self._kept if call.ended_at >= past]
        self._kept = recent
        self._known = {call.id for call in recent}


def _row(agent: str, calls: Iterable[RecentCall]) -> Row:
    found = [*calls]
    times = [call.duration_ms for call in found if call.duration_ms is not None]
    return Row(
        agent=agent,
        calls=len(found),
        errors=sum(call.failed for call in found),
        tokens=sum(call.tokens for call in found),
        average_ms=sum(times) / len(times) if times else None,
        models=", ".join(sorted({call.model for call in found})),
    )
