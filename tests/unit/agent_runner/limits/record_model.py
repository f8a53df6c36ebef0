"""The record of shares in memory, as `exchange_shares` keeps it in PostgreSQL."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from agent_runner.limits.exchange import Asked, Granted, Told, Wish
from agent_runner.limits.limit import Span
from shared.errors import DatabaseUnavailableError

__all__ = ["Record", "RecordOf"]

_MINUTE = 60.0
_VALID = {Span.MINUTE: 65.0, Span.HELD: 30.0, Span.PERIOD: float("inf")}


@dataclass
class _Share:
    key: str
    span: Span
    runner: str
    units: int
    granted_at: float
    counts_until: float


@dataclass
class _Window:
    amount: int | None
    version: int
    settled: int = 0


@dataclass
class Record:
    """What all runners share; *database_time* is its clock, which tests may set."""

    database_time: Callable[[], float]
    windows: dict[str, _Window] = field(default_factory=dict)
    shares: dict[UUID, _Share] = field(default_factory=dict)
    step: float = 0.0
    version: int = 0
    exchanges: int = 0

    @property
    def steady_time(self) -> float:
        return self.database_time() - self.step

    def exchange(self, runner: str, asked: Asked) -> Told:
        self.exchanges += 1
        for wish in asked.wanted:
            self._learn(wish)
        now = self.steady_time
        for each in asked.settled:
            share = self.shares.get(each.share_id)
            if share is None or share.runner != runner:
                continue
            if each.is_final or each.units == 0:
                del self.shares[each.share_id]
                if share.span is Span.PERIOD:
                    self.windows[share.key].settled += each.units
                continue
            share.units = each.units
            if share.span is Span.MINUTE:
                share.counts_until = (
                    share.granted_at + _MINUTE + each.used_after_seconds
                )
        if asked.renews:
            for share in self.shares.values():
                if share.runner == runner and share.span is Span.HELD:
                    share.counts_until = now + _VALID[Span.HELD]
        is_late = asked.clock == self.version and now > (asked.not_after or now)
        wanted = () if is_late else asked.wanted
        granted = [self._granted(runner, wish, now) for wish in wanted]
        return Told(self.version, now, self.database_time(), granted)

    def used(self, key: str, now: float) -> int:
        window = self.windows[key]
        return window.settled + sum(
            share.units
            for share in self.shares.values()
            if share.key == key and share.counts_until > now
        )

    def _learn(self, wish: Wish) -> None:
        limit = wish.limit
        known = self.windows.setdefault(limit.key, _Window(limit.amount, limit.version))
        if known.version < limit.version:
            known.amount, known.version = limit.amount, limit.version

    def _granted(self, runner: str, wish: Wish, now: float) -> Granted:
        key, span = wish.limit.key, wish.limit.span
        amount, used = self.windows[key].amount, self.used(key, now)
        room = wish.units + wish.extra * 16 if amount is None else amount - used
        given = max(0, min(wish.units, room))
        if given == wish.units:
            given += min(wish.extra, (room - given) // 16)
        if given:
            self.shares[wish.share_id] = _Share(
                key, span, runner, given, now, now + _VALID[span]
            )
        return Granted(
            share_id=wish.share_id,
            key=key,
            wished=wish.units,
            units=given,
            amount=amount,
            used=used + given,
            frees=self._frees(key, now) if given < wish.units else (),
        )

    def _frees(self, key: str, now: float) -> list[tuple[float, int]]:
        return sorted(
            (share.counts_until - now, share.units)
            for share in self.shares.values()
            if share.key == key and share.span is Span.MINUTE
            if share.counts_until > now and share.units
        )


@dataclass
class RecordOf:
    """The record as one runner reaches it: slowly, and not always."""

    record: Record
    runner: str
    delay: Callable[[], float] = lambda: 0.001
    is_reachable: bool = True
    loses_answers: Callable[[], bool] = lambda: False

    async def exchange(self, asked: Asked) -> Told:
        await asyncio.sleep(self.delay())
        if not self.is_reachable:
            raise DatabaseUnavailableError("The database cannot be reached right now.")
        told = self.record.exchange(self.runner, asked)
        await asyncio.sleep(self.delay())
        if self.loses_answers():
            raise DatabaseUnavailableError("The connection was lost.")
        return told

    async def correct_clock(self, step_seconds: float, *, clock: int) -> None:
        await asyncio.sleep(self.delay())
        if clock == self.record.version:
            self.record.step += step_seconds
            self.record.version += 1
