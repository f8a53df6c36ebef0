"""`/budgets`: what may be spent in a day or month, and how much of it is."""

from http import HTTPStatus

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.limits import (
    CREATE_BUDGET,
    DELETE_BUDGET,
    GET_BUDGET,
    LIST_BUDGETS,
    UPDATE_BUDGET,
    Budget,
    BudgetPatch,
    BudgetQuestion,
    BudgetSubmission,
    CreateBudget,
    UpdateBudget,
)
from shared.errors import (
    AgentNotFoundError,
    AgentTypeNotFoundError,
    BudgetNotFoundError,
    NameTakenError,
    PreconditionFailedError,
    ProviderNotFoundError,
)

__all__ = ["BudgetRoutes"]


class BudgetRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /budgets", needs=Permission.BUDGETS_READ)
    async def list_budgets(self, asked: Asked, query: PageQuery) -> Page[Budget]:
        """List budgets and how they stand, newest first."""
        return await self._bus.ask(LIST_BUDGETS, asked.page(query))

    @operation(
        "POST /budgets",
        needs=Permission.BUDGETS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(
            AgentNotFoundError,
            AgentTypeNotFoundError,
            NameTakenError,
            ProviderNotFoundError,
        ),
    )
    async def create_budget(self, asked: Asked, body: BudgetSubmission) -> Budget:
        """Create a budget: of tokens or dollars, a day or month.

        It counts calls from now on. One of dollars refuses calls of models that have
        no price. It is deleted with the agent, type or provider that it is of.
        """
        question = CreateBudget(
            org_id=asked.org_id,
            actor=asked.actor,
            budget_id=asked.new_id,
            submission=body,
        )
        return await self._bus.ask(CREATE_BUDGET, question)

    @operation(
        "GET /budgets/{id}", needs=Permission.BUDGETS_READ, missing=BudgetNotFoundError
    )
    async def get_budget(self, asked: Asked) -> Budget:
        """Show a budget, and how it stands."""
        return await self._bus.ask(GET_BUDGET, _question(asked))

    @operation(
        "PATCH /budgets/{id}",
        needs=Permission.BUDGETS_WRITE,
        errors=(NameTakenError, PreconditionFailedError),
        missing=BudgetNotFoundError,
    )
    async def update_budget(
        self, asked: Asked, body: BudgetPatch, if_version: int | None
    ) -> Budget:
        """Change a budget, which calls obey within seconds; what is used stays used."""
        question = UpdateBudget(
            org_id=asked.org_id,
            actor=asked.actor,
            budget_id=asked.id,
            patch=body,
            if_version=if_version,
        )
        return await self._bus.ask(UPDATE_BUDGET, question)

    @operation(
        "DELETE /budgets/{id}",
        needs=Permission.BUDGETS_WRITE,
        missing=BudgetNotFoundError,
    )
    async def delete_budget(self, asked: Asked) -> None:
        """Delete a budget; calls are limited by it no more."""
        await self._bus.ask(DELETE_BUDGET, _question(asked))


def _question(asked: Asked) -> BudgetQuestion:
    return BudgetQuestion(org_id=asked.org_id, actor=asked.actor, budget_id=asked.id)
