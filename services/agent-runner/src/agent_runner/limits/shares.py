"""What one runner holds of each limit, and what its calls have taken of that.

A share is leased from the record, spent here without asking, and settled: the record
then counts what was used, from when it was last used. Pure: time comes in as `now`, in
seconds of a clock that is never set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from .limit import Limit, Need, Span

__all__ = ["IDLE_SECONDS", "VALID_SECONDS", "Part", "Settlement", "Share", "Shares"]

VALID_SECONDS = 5.0
"""How long a share may be spent, counted from before it was asked for."""

IDLE_SECONDS = 1.0
"""How long a share is kept for calls that have not come yet."""

_SMALL_CALLS = 600
"""A limit of fewer calls a span than this is leased one by one: nothing lies idle."""

_RATE_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Share:
    """Units that were granted; *spent* is what its takings come to now.

    *running* counts takings whose actual use is not known yet. One that *is_for_later*
    has more than was needed when it was asked for.
    """

    id: UUID
    limit: Limit
    granted: int
    asked_at: float
    heard_at: float
    spent: int = 0
    spent_at: float = 0.0
    running: int = 0
    is_open: bool = True
    is_for_later: bool = False

    def left(self, now: float) -> int:
        """Say what may still be taken."""
        if not self.is_open or now >= self.asked_at + VALID_SECONDS:
            return 0
        return max(0, self.granted - self.spent)


@dataclass(slots=True)
class Part:
    """What one call has taken of one share."""

    share: Share
    units: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the record is told of a share; *is_final*: it hears no more of it."""

    share_id: UUID
    key: str
    units: int
    used_after_seconds: float
    is_final: bool


@dataclass(slots=True)
class _Rate:
    """Units taken in this second and the one before: what the next may bring."""

    second: int = 0
    units: int = 0
    before: int = 0

    def note(self, units: int, now: float) -> None:
        self._move(now)
        self.units += units

    def expected(self, now: float) -> int:
        self._move(now)
        return max(self.units, self.before)

    def _move(self, now: float) -> None:
        second = int(now / _RATE_SECONDS)
        if second != self.second:
            self.before = self.units if second == self.second + 1 else 0
            self.second, self.units = second, 0


@dataclass(slots=True)
class _Held:
    """The open shares of one limit."""

    open: list[Share] = field(default_factory=list)
    rate: _Rate = field(default_factory=_Rate)


class Shares:
    """All shares of one runner."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._unsettled: dict[UUID, Share] = {}
        self._lasting = 0

    @property
    def has_any(self) -> bool:
        """Whether time alone may make something to be told of."""
        return bool(self._held or self._unsettled or self._lasting)

    @property
    def has_unsettled(self) -> bool:
        return bool(self._unsettled)

    @property
    def holds_any(self) -> bool:
        """Whether calls hold units that count as long as they are in use."""
        return self._lasting > 0

    def left(self, key: str, now: float) -> int:
        """Say how much of a limit is here."""
        held = self._held.get(key)
        if held is None or not held.open:
            return 0
        if len(held.open) == 1:
            return held.open[0].left(now)
        return sum(share.left(now) for share in held.open)

    def lacking(self, needs: Iterable[Need], now: float) -> dict[str, int]:
        """Say how much more of each limit these needs take than is here."""
        total: dict[str, int] = {}
        for need in needs:
            total[need.limit.key] = total.get(need.limit.key, 0) + need.units
        missing = {key: units - self.left(key, now) for key, units in total.items()}
        return {key: units for key, units in missing.items() if units > 0}

    def take(self, needs: Sequence[Need], now: float) -> list[Part] | Need:
        """Take all of *needs*, or nothing: then return the first that lacks units."""
        for need in needs:
            if self.left(need.limit.key, now) < need.units:
                return need
        parts: list[Part] = []
        for need in needs:
            self._take(need, now, parts)
        return parts

    def wishes_for(self, limit: Limit, units: int, now: float) -> int:
        """Say how much beside *units* to lease for calls that are likely to come."""
        held = self._held.get(limit.key)
        if held is None or limit.span is Span.HELD:
            return 0
        if limit.amount is not None and limit.amount < units * _SMALL_CALLS:
            return 0
        return held.rate.expected(now)

    def add(self, share: Share) -> None:
        self._held.setdefault(share.limit.key, _Held()).open.append(share)

    def settle(self, part: Part, units: int) -> None:
        """Let *part* come to *units*, which is all that is ever known of it."""
        share = part.share
        share.spent += units - part.units
        share.running -= 1
        if part.share.limit.span is Span.HELD:
            self._lasting -= 1
        if not share.is_open:
            self._unsettled[share.id] = share

    def close(self, share: Share) -> None:
        """Spend nothing more of it; the record hears what was used."""
        share.is_open = False
        held = self._held.get(share.limit.key)
        if held is not None and share in held.open:
            held.open.remove(share)
        self._unsettled[share.id] = share

    def close_unwished(self, keys: Iterable[str]) -> None:
        """Close what was leased for calls that were there, and is not taken now."""
        for key in keys:
            held = self._held.get(key)
            for share in list(held.open) if held else ():
                if not share.is_for_later:
                    self.close(share)

    def close_idle(self, now: float) -> None:
        """Close what nobody took in time, and forget limits that nobody needs."""
        for key, held in list(self._held.items()):
            for share in list(held.open):
                if now >= share.heard_at + IDLE_SECONDS or not share.left(now):
                    self.close(share)
            if not held.open and not held.rate.expected(now):
                del self._held[key]

    def close_all(self) -> None:
        for held in self._held.values():
            for share in list(held.open):
                self.close(share)

    def settlements(self) -> list[Settlement]:
        """Take what the record is to be told; `untold` puts it back."""
        unsettled, self._unsettled = self._unsettled, {}
        return [_settlement(share) for share in unsettled.values()]

    def untold(self, shares: Iterable[Share]) -> None:
        """Tell the record of these again: it may not have heard."""
        self._unsettled.update((share.id, share) for share in shares)

    def unsettled(self) -> list[Share]:
        return list(self._unsettled.values())

    def _take(self, need: Need, now: float, parts: list[Part]) -> None:
        """Take what is there for sure, from as many shares as it takes."""
        held, missing = self._held[need.limit.key], need.units
        held.rate.note(missing, now)
        is_held = need.limit.span is Span.HELD
        for share in held.open:
            units = min(missing, share.left(now))
            if units:
                share.spent += units
                share.spent_at = now
                share.running += 1
                self._lasting += is_held
                missing -= units
                parts.append(Part(share, units))
            if not missing:
                return


def _settlement(share: Share) -> Settlement:
    used_after = max(0.0, share.spent_at - share.asked_at) if share.spent_at else 0.0
    return Settlement(
        share_id=share.id,
        key=share.limit.key,
        units=max(0, share.spent),
        used_after_seconds=used_after,
        is_final=share.running == 0 and share.limit.span is not Span.MINUTE,
    )
