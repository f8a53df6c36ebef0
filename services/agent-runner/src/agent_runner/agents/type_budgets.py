"""The budget that is given with an agent type, as one of the budgets."""

from dataclasses import replace
from datetime import datetime

from agent_runner.limits.budget import ActiveBudget, new_budget, units_of
from agent_runner.repositories import budgets as repository
from agent_runner.repositories.audit import note
from shared.contracts.agent_types import (
    AgentTypeSubmission,
    CreateAgentType,
    UpdateAgentType,
)
from shared.contracts.limits import AgentTypeBudgetSubmission, BudgetScope, ScopeKind
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["give_budget"]


async def give_budget(
    transaction: Transaction,
    question: CreateAgentType | UpdateAgentType,
    submission: AgentTypeSubmission,
    *,
    at: datetime,
) -> None:
    """Give the type the budget that *submission* tells, or none, if it is not so.

    Raises `NameTakenError`.
    """
    current = await repository.budget_of_agent_type(transaction, question.agent_type_id)
    terms = submission.budget
    if current and terms and _counts_alike(current, terms):
        changed = _changed(current, terms)
        if changed != current:
            await repository.change_budget(transaction, changed, at=at)
            await note(transaction, question, "budget.updated", current.id)
        return
    if current:
        await repository.remove_budget(transaction, current.id)
        await note(transaction, question, "budget.deleted", current.id)
    if terms:
        name = terms.name or (current.name if current else submission.name)
        made = _made(question, terms, name, at)
        await repository.add_budget(transaction, made)
        await note(transaction, question, "budget.created", made.id)


def _counts_alike(current: ActiveBudget, terms: AgentTypeBudgetSubmission) -> bool:
    """Say whether *terms* let the budget go on counting what it has counted."""
    return (
        current.is_in_dollars is (terms.usd is not None)
        and current.period is terms.period
        and current.time_zone == terms.time_zone
    )


def _changed(current: ActiveBudget, terms: AgentTypeBudgetSubmission) -> ActiveBudget:
    return replace(
        current,
        name=terms.name or current.name,
        amount=units_of(terms.tokens, terms.usd),
        mode=terms.mode,
        warn_at_percent=terms.warn_at_percent,
    )


def _made(
    question: CreateAgentType | UpdateAgentType,
    terms: AgentTypeBudgetSubmission,
    name: str,
    at: datetime,
) -> ActiveBudget:
    return new_budget(
        terms,
        budget_id=new_id(),
        org_id=question.org_id,
        name=name,
        scope=BudgetScope(kind=ScopeKind.AGENT_TYPE, id=question.agent_type_id),
        at=at,
        agent_type_id=question.agent_type_id,
    )
