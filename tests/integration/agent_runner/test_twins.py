"""One thing added several times at once under one id, as who asks again does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import UUID

import pytest

from shared.contracts.agent_runner import CREATE_AGENT, Agent, CreateAgent
from shared.contracts.agent_types import AgentType
from shared.contracts.limits import (
    CREATE_BUDGET,
    Budget,
    BudgetScope,
    BudgetSubmission,
    CreateBudget,
    ScopeKind,
)
from shared.ids import new_id

from .runner_house import ACTOR, House
from .test_agent_type_budgets import make

# test_agent_type_budgets.py has one round every day.
pytestmark = [pytest.mark.integration, pytest.mark.torture]

ROUNDS = 150
AT_ONCE = 6
Added: TypeAlias = AgentType | Agent | Budget


async def add_type(house: House, type_id: UUID, name: str, _: UUID) -> Added:
    return await make(house, type_id, name=name, slug=name)


async def add_agent(house: House, agent_id: UUID, name: str, type_id: UUID) -> Added:
    question = CreateAgent(
        org_id=house.org_id,
        actor=ACTOR,
        agent_id=agent_id,
        name=name,
        agent_type_id=type_id,
    )
    return await house.bus.ask(CREATE_AGENT, question)


async def add_budget(house: House, budget_id: UUID, name: str, type_id: UUID) -> Added:
    scope = BudgetScope(kind=ScopeKind.AGENT_TYPE, id=type_id)
    submission = BudgetSubmission.model_validate(
        {"name": name, "scope": scope, "tokens": 5, "period": "day"}
    )
    question = CreateBudget(
        org_id=house.org_id, actor=ACTOR, budget_id=budget_id, submission=submission
    )
    return await house.bus.ask(CREATE_BUDGET, question)


@pytest.mark.parametrize("add", [add_type, add_agent, add_budget])
async def test_twins_are_one_and_never_refused_for_their_name(
    house: House, add: Callable[[House, UUID, str, UUID], Awaitable[Added]]
) -> None:
    type_id = await house.make_agent_type("of-all")
    for number in range(ROUNDS):
        twin = new_id()

        added = await asyncio.gather(
            *(add(house, twin, f"helper-{number}", type_id) for _ in range(AT_ONCE))
        )

        assert {each.id for each in added} == {twin}
