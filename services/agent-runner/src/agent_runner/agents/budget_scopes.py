"""What a budget counts the calls of: it is there, or its budgets go with it."""

from agent_runner.repositories import budgets as repository
from agent_runner.repositories.agent_types import keep_agent_type
from agent_runner.repositories.agents import keep_agent
from agent_runner.repositories.audit import note
from shared.bus import Bus
from shared.contracts.base import Question
from shared.contracts.credentials import GET_PROVIDER, ProviderQuestion
from shared.contracts.limits import BudgetScope, ScopeKind
from shared.database import Transaction

__all__ = ["keep_scope", "remove_budgets", "require_provider"]


async def require_provider(bus: Bus, question: Question, scope: BudgetScope) -> None:
    """Raise `ProviderNotFoundError` if *scope* is a provider that is not there."""
    if scope.kind is ScopeKind.PROVIDER and scope.id:
        asked = ProviderQuestion(
            org_id=question.org_id, actor=question.actor, provider_id=scope.id
        )
        await bus.ask(GET_PROVIDER, asked)


async def keep_scope(transaction: Transaction, scope: BudgetScope) -> None:
    """Let nobody remove an agent or type before the transaction ends.

    Raises `AgentNotFoundError` or `AgentTypeNotFoundError`.
    """
    if scope.kind is ScopeKind.AGENT and scope.id:
        await keep_agent(transaction, scope.id)
    if scope.kind is ScopeKind.AGENT_TYPE and scope.id:
        await keep_agent_type(transaction, scope.id)


async def remove_budgets(
    transaction: Transaction, question: Question, scope: BudgetScope
) -> None:
    """Remove the budgets of calls of which there will be none any more."""
    for budget_id in await repository.remove_budgets(transaction, scope):
        await note(transaction, question, "budget.deleted", budget_id)
