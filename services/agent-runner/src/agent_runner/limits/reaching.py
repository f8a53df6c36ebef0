"""Telling in public when a limit has refused a call, or a budget is nearly spent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.limits import (
    BUDGET_REACHED,
    LIMIT_REACHED,
    BudgetReached,
    LimitReached,
)
from shared.lifecycle import every

from .active_budgets import ActiveBudgets
from .budget import ActiveBudget
from .exchange import Granted
from .limit import Limit, LimitKind

__all__ = ["Reaching"]

_EVERY = timedelta(seconds=1)
_SPENT = 100
_NANODOLLARS = 1_000_000_000
_MOST_REMEMBERED = 10_000


class Reaching:
    """Hears how limits stand, and tells what that means: each thing once.

    Ids of events are made of what they tell, so that those of several runners are one.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        budgets: ActiveBudgets,
        note_told: Callable[[str, int], Awaitable[None]],
        now: Clock = utc_now,
    ) -> None:
        self._bus = bus
        self._budgets = budgets
        self._note_told = note_told
        self._now = now
        self._to_tell: dict[str, tuple[Limit, int, Granted]] = {}
        self._told: dict[str, int] = {}
        self._woken = asyncio.Event()

    def observe(self, limit: Limit, granted: Granted) -> None:
        """Take how *limit* stands; cheap, for it is called for every lease."""
        if limit.kind is LimitKind.BUDGET:
            self._observe_budget(limit, granted)
        elif not granted.is_whole:
            minute = int(self._now().timestamp()) // 60
            self._note(limit, minute, granted)

    async def run(self) -> None:
        await every(_EVERY, self.tell, name="limits.reached", woken=self._woken)

    async def tell(self) -> None:
        """Tell all; raises `UnavailableError`, and tells what is left the next time."""
        while self._to_tell:
            name, told = next(iter(self._to_tell.items()))
            limit, mark, granted = told
            event_id = uuid5(NAMESPACE_URL, f"ag2trust:{name}:{mark}")
            if limit.kind is LimitKind.BUDGET:
                await self._tell_budget(limit, mark, granted, event_id)
            else:
                event = LimitReached(
                    id=event_id,
                    org_id=limit.org_id,
                    limit=limit.kind,
                    of=limit.of,
                    of_id=limit.of_id,
                    amount=granted.amount or 0,
                    at=datetime.fromtimestamp(mark * 60, UTC),
                )
                await self._bus.publish(LIMIT_REACHED, event)
            if self._to_tell[name] is told:  # else there is more to tell by now
                del self._to_tell[name]

    def _observe_budget(self, limit: Limit, granted: Granted) -> None:
        budget = self._budgets.find(limit.of_id)
        if budget is None:
            return
        reached = _reached(budget, granted)
        if reached > granted.told:
            self._note(limit, reached, granted)

    def _note(self, limit: Limit, mark: int, granted: Granted) -> None:
        """Have it told that *limit* has come to *mark*, unless it was."""
        name = f"{limit.key}:{limit.version}"
        if self._told.get(name, -1) >= mark:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[name] = mark
        self._to_tell[name] = (limit, mark, granted)
        self._woken.set()

    async def _tell_budget(
        self, limit: Limit, percent: int, granted: Granted, event_id: UUID
    ) -> None:
        budget = self._budgets.find(limit.of_id)
        if budget is None or limit.ends_at is None:
            return
        measure: Literal["usd", "tokens"] = "usd" if limit.is_in_dollars else "tokens"
        unit = _NANODOLLARS if limit.is_in_dollars else 1
        period = budget.period_at(limit.ends_at - timedelta(seconds=1))
        event = BudgetReached(
            id=event_id,
            org_id=limit.org_id,
            budget_id=budget.id,
            name=budget.name,
            scope=budget.scope,
            mode=budget.mode,
            percent=percent,
            measure=measure,
            amount=budget.amount / unit,
            used=granted.used / unit,
            period_start=period.start,
            period_end=period.end,
        )
        await self._bus.publish(BUDGET_REACHED, event)
        await self._note_told(limit.key, percent)


def _reached(budget: ActiveBudget, granted: Granted) -> int:
    """Say which percentage that is told of a budget has come to.

    A call that may take more than all of it gets what is left, gives it back, and says
    nothing of what is used.
    """
    never_fits = granted.wished > budget.amount and not granted.is_whole
    used = granted.used - (granted.units if never_fits else 0)
    if used >= budget.amount or not (granted.is_whole or never_fits):
        return _SPENT
    has_come = used * 100 >= budget.amount * budget.warn_at_percent
    return budget.warn_at_percent if has_come else 0
