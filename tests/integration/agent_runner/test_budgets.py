"""Budgets as their operator makes and changes them, over the bus."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.base import PageQuestion
from shared.contracts.limits import (
    CREATE_BUDGET,
    DELETE_BUDGET,
    GET_BUDGET,
    LIST_BUDGETS,
    LIST_LIMITS,
    UPDATE_BUDGET,
    Budget,
    BudgetPatch,
    BudgetQuestion,
    BudgetSubmission,
    CreateBudget,
    LimitsQuestion,
    UpdateBudget,
)
from shared.errors import (
    BudgetNotFoundError,
    InvalidError,
    NameTakenError,
    PreconditionFailedError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_house

pytestmark = pytest.mark.integration


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    async with open_house(stack, bus_as, FakeRuntime()) as opened:
        yield opened


async def make(
    house: House,
    *,
    budget_id: UUID | None = None,
    org_id: UUID | None = None,
    **more: Any,
) -> Budget:
    given = {
        "name": "all",
        "scope": {"kind": "organization"},
        "usd": 10,
        "period": "month",
        "time_zone": "Pacific/Auckland",
    }
    return await house.bus.ask(
        CREATE_BUDGET,
        CreateBudget(
            org_id=org_id or house.org_id,
            actor=ACTOR,
            budget_id=budget_id or new_id(),
            submission=BudgetSubmission.model_validate(given | more),
        ),
    )


async def change(house: House, budget: Budget, **fields: Any) -> Budget:
    return await house.bus.ask(
        UPDATE_BUDGET,
        UpdateBudget(
            org_id=house.org_id,
            actor=ACTOR,
            budget_id=budget.id,
            patch=BudgetPatch.model_validate(fields),
            if_version=budget.version,
        ),
    )


def about(house: House, budget: Budget) -> BudgetQuestion:
    return BudgetQuestion(org_id=house.org_id, actor=ACTOR, budget_id=budget.id)


async def test_what_was_made_is_read_back_as_it_was_asked_for(house: House) -> None:
    made = await make(house)

    read = await house.bus.ask(GET_BUDGET, about(house, made))

    assert read == made
    assert (read.usd, read.tokens, read.used, read.left) == (10.0, None, 0.0, 10.0)
    assert read.period_start < read.period_end


async def test_a_budget_made_twice_with_one_id_is_one(house: House) -> None:
    budget_id = new_id()
    await make(house, budget_id=budget_id)
    await make(house, budget_id=budget_id)

    listed = await house.bus.ask(
        LIST_BUDGETS, PageQuestion(org_id=house.org_id, actor=ACTOR)
    )

    assert [each.id for each in listed.data] == [budget_id]


async def test_a_changed_budget_has_another_version_and_its_old_measure(
    house: House,
) -> None:
    made = await make(house)

    changed = await change(house, made, usd=Decimal("12.50"), mode="warn")

    assert (changed.usd, changed.mode, changed.version) == (12.5, "warn", 2)
    with pytest.raises(PreconditionFailedError):
        await change(house, made, usd=1)
    with pytest.raises(InvalidError):
        await change(house, changed, tokens=5)


async def test_names_are_unique_in_an_organization(house: House) -> None:
    await make(house)

    with pytest.raises(NameTakenError):
        await make(house)
    await make(house, org_id=new_id())


async def test_a_deleted_budget_is_gone(house: House) -> None:
    made = await make(house)

    await house.bus.ask(DELETE_BUDGET, about(house, made))

    with pytest.raises(BudgetNotFoundError):
        await house.bus.ask(GET_BUDGET, about(house, made))


async def test_a_budget_of_another_organization_is_not_there(house: House) -> None:
    made = await make(house, org_id=new_id())

    with pytest.raises(BudgetNotFoundError):
        await house.bus.ask(GET_BUDGET, about(house, made))


async def test_limits_that_nobody_met_are_not_listed(house: House) -> None:
    limits = await house.bus.ask(
        LIST_LIMITS, LimitsQuestion(org_id=house.org_id, actor=ACTOR)
    )

    assert limits.data == []
