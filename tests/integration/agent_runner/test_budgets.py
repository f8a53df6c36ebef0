"""Budgets as their operator makes and changes them, over the bus."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import DELETE_AGENT, LIST_AUDIT
from shared.contracts.base import PageQuestion, Service
from shared.contracts.credentials import PROVIDER_CHANGED, ProviderChanged
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
    AgentNotFoundError,
    AgentTypeNotFoundError,
    AppError,
    BudgetNotFoundError,
    InvalidError,
    NameTakenError,
    PreconditionFailedError,
    ProviderNotFoundError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration


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


async def listed(house: House) -> list[Budget]:
    question = PageQuestion(org_id=house.org_id, actor=ACTOR)
    return (await house.bus.ask(LIST_BUDGETS, question)).data


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

    assert [each.id for each in await listed(house)] == [budget_id]


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


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("agent", AgentNotFoundError),
        ("agent_type", AgentTypeNotFoundError),
        ("provider", ProviderNotFoundError),
    ],
)
async def test_a_budget_of_what_is_not_there_is_refused(
    house: House, kind: str, refusal: type[AppError]
) -> None:
    with pytest.raises(refusal, match="There is no"):
        await make(house, scope={"kind": kind, "id": new_id()})

    assert await listed(house) == []


async def test_an_agent_of_another_organization_has_no_budget_here(
    house: House,
) -> None:
    agent = await house.make_agent()
    scope = {"kind": "agent", "id": agent.id}

    with pytest.raises(AgentNotFoundError):
        await make(house, org_id=new_id(), scope=scope)
    assert (await make(house, scope=scope)).scope.id == agent.id


async def test_an_agent_is_deleted_with_its_budgets(house: House) -> None:
    ada, bob = await house.make_agent("ada"), await house.make_agent("bob")
    await make(house, name="first", scope={"kind": "agent", "id": ada.id})
    await make(house, name="second", scope={"kind": "agent", "id": ada.id})
    of_bob = await make(house, name="bob", scope={"kind": "agent", "id": bob.id})
    of_all = await make(house)

    await house.bus.ask(DELETE_AGENT, house.question(ada.id))

    assert [each.id for each in await listed(house)] == [of_all.id, of_bob.id]
    question = PageQuestion(org_id=house.org_id, actor=ACTOR)
    acts = [each.act for each in (await house.bus.ask(LIST_AUDIT, question)).data]
    assert acts.count("budget.deleted") == 2


async def test_budgets_of_a_provider_go_when_it_is_told_to_have_gone(
    house: House, bus_as: BusAs
) -> None:
    other_id = new_id()
    house.credentials.secrets[other_id] = "sk-of-another-1234"
    gone = {"kind": "provider", "id": house.provider_id}
    await make(house, name="gone", scope=gone)
    kept = await make(house, name="kept", scope={"kind": "provider", "id": other_id})

    del house.credentials.secrets[house.provider_id]
    async with bus_as(Service.CREDENTIALS) as credentials:
        for provider_id in (other_id, house.provider_id):
            await credentials.signal(
                PROVIDER_CHANGED,
                ProviderChanged(org_id=house.org_id, provider_id=provider_id),
            )
        await house.holds(lambda: listed(house), [kept])


async def test_what_went_without_its_budgets_is_found_by_the_next_runner(
    stack: Stack, bus_as: BusAs
) -> None:
    """A provider of which no signal came, and what an older version removed."""
    runtime = FakeRuntime()
    async with open_neighbourhood(stack, bus_as, runtime) as house:
        async with running(stack, runtime):
            agent = await house.make_agent("ada")
            given = {"name": "given", "usd": 1, "period": "day"}
            type_id = await house.make_agent_type("bob", budget=given)
            of_all = await make(house)
            for kind, of_id in (
                ("provider", house.provider_id),
                ("agent", agent.id),
                ("agent_type", type_id),
                ("agent_type", agent.agent_type_id),
            ):
                name = f"{kind} {of_id}"
                kept = await make(house, name=name, scope={"kind": kind, "id": of_id})
        del house.credentials.secrets[house.provider_id]
        connection = await stack.connect()
        await connection.execute(
            "DELETE FROM agent_runner.agent WHERE id = $1", agent.id
        )
        await connection.execute(
            "DELETE FROM agent_runner.agent_type WHERE id = $1", type_id
        )
        await connection.close()

        async with running(stack, runtime):
            await house.holds(lambda: listed(house), [kept, of_all])


async def test_limits_that_nobody_met_are_not_listed(house: House) -> None:
    limits = await house.bus.ask(
        LIST_LIMITS, LimitsQuestion(org_id=house.org_id, actor=ACTOR)
    )

    assert limits.data == []
