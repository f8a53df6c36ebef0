"""The budgets of all organizations, as this runner knows them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from shared.contracts.limits import BudgetsChanged
from shared.lifecycle import every

from .budget import ActiveBudget

__all__ = ["ActiveBudgets"]

_READ_EVERY = timedelta(seconds=3)

ReadBudgets = Callable[[], Awaitable[Sequence[ActiveBudget]]]


class ActiveBudgets:
    """Read at a signal, and every 3 s without one; *generation* counts changes."""

    def __init__(self, read: ReadBudgets) -> None:
        self._read = read
        self._woken = asyncio.Event()
        self._all: Sequence[ActiveBudget] = ()
        self._by_org: dict[UUID, list[ActiveBudget]] = {}
        self.generation = 0

    def of(self, org_id: UUID) -> Sequence[ActiveBudget]:
        return self._by_org.get(org_id, ())

    def find(self, budget_id: UUID) -> ActiveBudget | None:
        return next((each for each in self._all if each.id == budget_id), None)

    def changed(self, _: BudgetsChanged) -> None:
        self._woken.set()

    async def run(self) -> None:
        await every(_READ_EVERY, self.look, name="budgets", woken=self._woken)

    async def look(self) -> None:
        """Read them all; raises `DatabaseUnavailableError`, and keeps what it knew."""
        budgets = await self._read()
        if list(budgets) == list(self._all):
            return
        self._all = budgets
        self._by_org = {}
        for each in budgets:
            self._by_org.setdefault(each.org_id, []).append(each)
        self.generation += 1
