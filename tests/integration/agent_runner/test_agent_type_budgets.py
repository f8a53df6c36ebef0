"""The budget given with an agent type: one of the budgets, gone when the type is."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import Stack
from shared.contracts.agent_runner import LIST_AUDIT
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    DELETE_AGENT_TYPE,
    GET_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    AgentTypeQuestion,
    AgentTypeSubmission,
    CreateAgentType,
    UpdateAgentType,
)
from shared.contracts.base import PageQuestion
from shared.contracts.limits import (
    CREATE_BUDGET,
    DELETE_BUDGET,
    LIST_BUDGETS,
    UPDATE_BUDGET,
    Budget,
    BudgetPatch,
    BudgetQuestion,
    BudgetScope,
    BudgetSubmission,
    CreateBudget,
    ScopeKind,
    UpdateBudget,
)
from shared.errors import (
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    NameTakenError,
)
from shared.ids import new_id

from .runner_house import ACTOR, House

pytestmark = pytest.mark.integration

MONTHLY = {"usd": 200, "period": "month", "time_zone": "Europe/Berlin"}


async def make(
    house: House, agent_type_id: UUID | None = None, **fields: Any
) -> AgentType:
    given = {
        "name": "Helper",
        "slug": "helper",
        "provider_id": house.provider_id,
        "model": "gpt-4o",
        "budget": MONTHLY,
    }
    return await house.bus.ask(
        CREATE_AGENT_TYPE,
        CreateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=agent_type_id or new_id(),
            submission=AgentTypeSubmission.model_validate(given | fields),
        ),
    )


async def change(house: House, agent_type: AgentType, **fields: Any) -> AgentType:
    return await house.bus.ask(
        UPDATE_AGENT_TYPE,
        UpdateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=agent_type.id,
            patch=AgentTypePatch.model_validate(fields),
        ),
    )


def about(house: House, agent_type_id: UUID) -> AgentTypeQuestion:
    return AgentTypeQuestion(
        org_id=house.org_id, actor=ACTOR, agent_type_id=agent_type_id
    )


async def budgets(house: House) -> list[Budget]:
    question = PageQuestion(org_id=house.org_id, actor=ACTOR)
    return (await house.bus.ask(LIST_BUDGETS, question)).data


async def acts(house: House) -> list[str]:
    question = PageQuestion(org_id=house.org_id, actor=ACTOR)
    return [each.act for each in (await house.bus.ask(LIST_AUDIT, question)).data]


async def add_budget(house: House, name: str, scope: BudgetScope) -> Budget:
    submission = BudgetSubmission.model_validate(
        {"name": name, "scope": scope, "tokens": 5, "period": "day"}
    )
    return await house.bus.ask(
        CREATE_BUDGET,
        CreateBudget(
            org_id=house.org_id, actor=ACTOR, budget_id=new_id(), submission=submission
        ),
    )


async def test_a_types_budget_is_one_of_the_budgets_called_as_the_type_is(
    house: House,
) -> None:
    made = await make(house)

    (budget,) = await budgets(house)
    assert made.budget is not None
    assert budget.scope == BudgetScope(kind=ScopeKind.AGENT_TYPE, id=made.id)
    assert (budget.id, budget.name, budget.usd) == (made.budget.id, "Helper", 200.0)
    assert made.budget.model_dump() == {
        name: getattr(budget, name) for name in type(made.budget).model_fields
    }
    assert "budget.created" in await acts(house)


async def test_a_type_made_twice_with_one_id_has_one_budget(house: House) -> None:
    agent_type_id = new_id()

    made = await asyncio.gather(
        *(make(house, agent_type_id=agent_type_id) for _ in range(4))
    )

    assert len(await budgets(house)) == 1
    assert len({each.budget and each.budget.id for each in made}) == 1


async def test_a_type_whose_budget_cannot_be_is_not_made(house: House) -> None:
    taken = await add_budget(
        house, "Helper", BudgetScope(kind=ScopeKind.ORGANIZATION, id=None)
    )
    agent_type_id = new_id()

    with pytest.raises(NameTakenError):
        await make(house, agent_type_id=agent_type_id)

    with pytest.raises(AgentTypeNotFoundError):
        await house.bus.ask(GET_AGENT_TYPE, about(house, agent_type_id))
    assert await budgets(house) == [taken]


async def test_a_change_whose_budget_cannot_be_changes_nothing(house: House) -> None:
    await add_budget(house, "taken", BudgetScope(kind=ScopeKind.ORGANIZATION, id=None))
    made = await make(house)

    with pytest.raises(NameTakenError):
        await change(house, made, name="Other", budget=MONTHLY | {"name": "taken"})

    assert await house.bus.ask(GET_AGENT_TYPE, about(house, made.id)) == made


async def test_a_changed_budget_goes_on_counting_and_needs_no_restart(
    house: House,
) -> None:
    made = await make(house)
    (before,) = await budgets(house)

    changed = await change(house, made, budget=MONTHLY | {"usd": 300, "mode": "warn"})

    (after,) = await budgets(house)
    assert changed.budget is not None
    assert (changed.budget.usd, changed.budget.mode) == (300.0, "warn")
    assert (after.id, after.name, after.version) == (before.id, "Helper", 2)


async def test_the_same_budget_again_changes_no_budget(house: House) -> None:
    made = await make(house)
    before = await budgets(house)

    changed = await change(house, made, budget=MONTHLY)

    assert changed.budget == made.budget
    assert await budgets(house) == before
    assert "budget.updated" not in await acts(house)


@pytest.mark.parametrize(
    "terms",
    [
        {"tokens": 1000, "period": "month", "time_zone": "Europe/Berlin"},
        MONTHLY | {"period": "day"},
        MONTHLY | {"time_zone": "UTC"},
    ],
    ids=["measure", "period", "time_zone"],
)
async def test_what_counts_otherwise_is_another_budget_of_the_same_name(
    house: House, terms: dict[str, Any]
) -> None:
    made = await make(house)

    changed = await change(house, made, budget=terms)

    (budget,) = await budgets(house)
    assert made.budget is not None
    assert changed.budget is not None
    assert budget.id == changed.budget.id != made.budget.id
    assert (budget.name, budget.version) == ("Helper", 1)


async def test_a_budget_may_be_removed_twice_and_given_later(house: House) -> None:
    made = await make(house)

    first = await change(house, made, budget=None)
    second = await change(house, made, budget=None)
    left = await budgets(house)
    given = await change(house, made, budget=MONTHLY)

    assert first.budget is None
    assert second.budget is None
    assert left == []
    assert given.budget is not None


async def test_a_budget_may_be_removed_while_somebody_else_deletes_it(
    house: House, stack: Stack
) -> None:
    made = await make(house)
    assert made.budget is not None
    somebody = await stack.connect()
    async with (
        asyncio.TaskGroup() as tasks,
        somebody.transaction(),
    ):
        await somebody.execute(
            "DELETE FROM agent_runner.budget WHERE id = $1", made.budget.id
        )
        removal = tasks.create_task(change(house, made, budget=None))
        await until_blocked(somebody, "agent_runner")
    await somebody.close()

    assert removal.result().budget is None


async def test_a_change_that_does_not_name_the_budget_leaves_it(house: House) -> None:
    made = await make(house)

    assert (await change(house, made, model="gpt-4o-mini")).budget == made.budget


async def test_a_type_tells_its_budget_as_others_have_changed_or_deleted_it(
    house: House,
) -> None:
    made = await make(house)
    (budget,) = await budgets(house)
    patch = BudgetPatch.model_validate({"usd": 5, "name": "less"})

    await house.bus.ask(
        UPDATE_BUDGET,
        UpdateBudget(
            org_id=house.org_id, actor=ACTOR, budget_id=budget.id, patch=patch
        ),
    )
    changed = await house.bus.ask(GET_AGENT_TYPE, about(house, made.id))
    await house.bus.ask(
        DELETE_BUDGET,
        BudgetQuestion(org_id=house.org_id, actor=ACTOR, budget_id=budget.id),
    )
    without = await house.bus.ask(GET_AGENT_TYPE, about(house, made.id))

    assert changed.budget is not None
    assert (changed.budget.usd, changed.budget.name) == (5.0, "less")
    assert without.budget is None


async def test_a_deleted_type_leaves_no_budget_of_its_calls(house: House) -> None:
    made = await make(house)
    await add_budget(
        house, "beside", BudgetScope(kind=ScopeKind.AGENT_TYPE, id=made.id)
    )
    kept = await add_budget(
        house, "all", BudgetScope(kind=ScopeKind.ORGANIZATION, id=None)
    )

    await house.bus.ask(DELETE_AGENT_TYPE, about(house, made.id))

    assert await budgets(house) == [kept]
    assert (await acts(house)).count("budget.deleted") == 2


async def test_a_type_that_agents_have_keeps_its_budget(house: House) -> None:
    agent = await house.make_agent()
    current = await house.bus.ask(GET_AGENT_TYPE, about(house, agent.agent_type_id))
    await change(house, current, budget=MONTHLY)

    with pytest.raises(AgentTypeInUseError):
        await house.bus.ask(DELETE_AGENT_TYPE, about(house, current.id))

    assert len(await budgets(house)) == 1
