"""Use cases of budgets: make, read, change, remove."""

import builtins
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from agent_runner.limits.budget import (
    ActiveBudget,
    in_measure,
    new_budget,
    units_of,
)
from agent_runner.repositories import budgets as repository
from agent_runner.repositories.audit import note
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.base import Empty, Page, PageQuestion, Question
from shared.contracts.limits import (
    BUDGETS_CHANGED,
    Budget,
    BudgetPatch,
    BudgetQuestion,
    BudgetsChanged,
    CreateBudget,
    UpdateBudget,
)
from shared.database import Database, Transaction
from shared.errors import InvalidError, PreconditionFailedError
from shared.pages import before, page_of

from .budget_scopes import keep_scope, require_provider

__all__ = ["Budgets"]


class Budgets:
    def __init__(self, *, database: Database, bus: Bus, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def create(self, question: CreateBudget) -> Budget:
        """Make a budget; raises what is said of a scope that is not there."""
        submission = question.submission
        await require_provider(self._bus, question, submission.scope)
        made = new_budget(
            submission,
            budget_id=question.budget_id,
            org_id=question.org_id,
            name=submission.name,
            scope=submission.scope,
            at=self._now(),
        )
        async with self._database.organization(question.org_id) as transaction:
            await keep_scope(transaction, made.scope)
            await repository.add_budget(transaction, made)
            await note(transaction, question, "budget.created", made.id)
            told = await self._told_one(transaction, made.id)
        await self._tell(question)
        return told

    async def update(self, question: UpdateBudget) -> Budget:
        """Change a budget, which calls obey within a moment."""
        async with self._database.organization(question.org_id) as transaction:
            current = await repository.budget(transaction, question.budget_id)
            if question.if_version not in {None, current.version}:
                raise PreconditionFailedError(
                    f"The budget has moved on to version {current.version}."
                )
            changed = _changed(current, question.patch)
            await repository.change_budget(transaction, changed, at=self._now())
            await note(transaction, question, "budget.updated", current.id)
            told = await self._told_one(transaction, current.id)
        await self._tell(question)
        return told

    async def get(self, question: BudgetQuestion) -> Budget:
        async with self._database.organization(question.org_id) as transaction:
            return await self._told_one(transaction, question.budget_id)

    async def list(self, question: PageQuestion) -> Page[Budget]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.budgets(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
            told = await self._told(transaction, found)
        return page_of(told, limit=question.limit, id_of=lambda each: each.id)

    async def delete(self, question: BudgetQuestion) -> Empty:
        async with self._database.organization(question.org_id) as transaction:
            await repository.remove_budget(transaction, question.budget_id)
            await note(transaction, question, "budget.deleted", question.budget_id)
        await self._tell(question)
        return Empty()

    async def _told_one(self, transaction: Transaction, budget_id: UUID) -> Budget:
        (told,) = await self._told(
            transaction, [await repository.budget(transaction, budget_id)]
        )
        return told

    async def _told(
        self, transaction: Transaction, budgets: Sequence[ActiveBudget]
    ) -> builtins.list[Budget]:
        now = self._now()
        keys = {each.id: each.key_of(each.period_at(now)) for each in budgets}
        used = await repository.used_of(transaction, [*keys.values()])
        return [_as_told(each, used.get(keys[each.id], 0), at=now) for each in budgets]

    async def _tell(self, question: Question) -> None:
        await self._bus.signal(BUDGETS_CHANGED, BudgetsChanged(org_id=question.org_id))


def _as_told(budget: ActiveBudget, used: int, *, at: datetime) -> Budget:
    period = budget.period_at(at)
    told = partial(in_measure, is_in_dollars=budget.is_in_dollars)
    return Budget(
        id=budget.id,
        name=budget.name,
        scope=budget.scope,
        tokens=None if budget.is_in_dollars else budget.amount,
        usd=told(budget.amount) if budget.is_in_dollars else None,
        period=budget.period,
        time_zone=budget.time_zone,
        mode=budget.mode,
        warn_at_percent=budget.warn_at_percent,
        used=told(used),
        left=told(max(0, budget.amount - used)),
        period_start=period.start,
        period_end=period.end,
        version=budget.version,
        created_at=budget.created_at,
        updated_at=budget.updated_at,
    )


def _changed(current: ActiveBudget, patch: BudgetPatch) -> ActiveBudget:
    """Lay *patch* over *current*; raises `InvalidError` for another measure."""
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    tokens, usd = given.pop("tokens", None), given.pop("usd", None)
    foreign = tokens if current.is_in_dollars else usd
    if foreign is not None:
        field = "tokens" if current.is_in_dollars else "usd"
        raise InvalidError.of_fields(
            "A budget keeps its measure.", {field: "is not this budget's measure"}
        )
    if tokens is not None or usd is not None:
        given["amount"] = units_of(tokens, usd)
    return replace(current, **given)
