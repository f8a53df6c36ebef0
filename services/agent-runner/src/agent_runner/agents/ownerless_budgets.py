"""Removing budgets of what is gone, if they did not go with it.

Providers are another service's. And an older version, while an upgrade goes on, leaves
the budgets of the agents and types that it removes.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from agent_runner.repositories.budgets import has_budgets, scopes_that_may_be_gone
from shared.bus import Bus
from shared.contracts.base import Actor, Question
from shared.contracts.credentials import ProviderChanged
from shared.contracts.limits import BudgetScope, ScopeKind
from shared.database import Database
from shared.errors import ProviderNotFoundError
from shared.lifecycle import every

from .budget_scopes import remove_budgets, require_provider

__all__ = ["OwnerlessBudgets"]

log = structlog.get_logger(__name__)

_SWEEP_EVERY = timedelta(hours=1)
_ACTOR = Actor(kind="service", id="agent_runner")


class OwnerlessBudgets:
    """Looked for at a signal, and every hour; any number of runners may do it."""

    def __init__(self, *, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._changed: set[tuple[UUID, UUID]] = set()
        self._woken = asyncio.Event()

    def provider_changed(self, changed: ProviderChanged) -> None:
        self._changed.add((changed.org_id, changed.provider_id))
        self._woken.set()

    async def sweeping(self) -> None:
        await every(_SWEEP_EVERY, self.sweep, name="budgets.ownerless")

    async def looking(self) -> None:
        """Look at the providers that have changed."""
        await every(
            _SWEEP_EVERY, self._look, name="budgets.of_provider", woken=self._woken
        )

    async def sweep(self) -> None:
        for org_id, scope in await scopes_that_may_be_gone(self._database):
            await self._remove_if_gone(org_id, scope)

    async def _look(self) -> None:
        """Forget each before, for it may change again; what fails is swept later."""
        while self._changed:
            org_id, provider_id = self._changed.pop()
            scope = BudgetScope(kind=ScopeKind.PROVIDER, id=provider_id)
            async with self._database.organization(org_id) as transaction:
                is_counted = await has_budgets(transaction, scope)
            if is_counted:
                await self._remove_if_gone(org_id, scope)

    async def _remove_if_gone(self, org_id: UUID, scope: BudgetScope) -> None:
        """Remove the budgets of *scope*, unless that is a provider that is there."""
        question = Question(org_id=org_id, actor=_ACTOR)
        if scope.kind is ScopeKind.PROVIDER and await self._is_there(question, scope):
            return
        async with self._database.organization(org_id) as transaction:
            await remove_budgets(transaction, question, scope)
        log.info("budgets.removed", of=str(scope.id), kind=scope.kind)

    async def _is_there(self, question: Question, provider: BudgetScope) -> bool:
        try:
            await require_provider(self._bus, question, provider)
        except ProviderNotFoundError:
            return False
        return True
