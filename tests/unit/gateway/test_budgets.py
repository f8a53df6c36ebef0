from typing import Any

import pytest
from aiohttp import ClientSession

from shared.contracts.base import Empty, Page
from shared.contracts.limits import (
    CREATE_BUDGET,
    DELETE_BUDGET,
    GET_BUDGET,
    LIST_BUDGETS,
    LIST_LIMITS,
    UPDATE_BUDGET,
    Budget,
    BudgetMode,
    BudgetPeriod,
    BudgetScope,
    Limits,
    LimitStanding,
    ScopeKind,
)
from shared.errors import BudgetNotFoundError

from .fakes import Neighbours
from .objects import NOON, SOME_ID

BUDGET = Budget(
    id=SOME_ID,
    name="all",
    scope=BudgetScope(kind=ScopeKind.ORGANIZATION),
    tokens=None,
    usd=10.0,
    period=BudgetPeriod.MONTH,
    time_zone="Europe/Berlin",
    mode=BudgetMode.HARD,
    warn_at_percent=80,
    used=2.5,
    left=7.5,
    period_start=NOON,
    period_end=NOON,
    version=3,
    created_at=NOON,
    updated_at=NOON,
)
ONE = f"/api/budgets/{SOME_ID}"
SUBMISSION: dict[str, Any] = {
    "name": "all",
    "scope": {"kind": "organization"},
    "usd": 10,
    "period": "month",
    "time_zone": "Europe/Berlin",
}


async def test_a_budget_is_created(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_BUDGET, BUDGET)

    async with client.post("/api/budgets", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 201
    assert (body["used"], body["left"], body["usd"]) == (2.5, 7.5, 10.0)


async def test_budgets_are_listed_with_what_is_left(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_BUDGETS, Page(data=[BUDGET]))

    async with client.get("/api/budgets") as response:
        body = await response.json()

    assert body["data"][0]["left"] == 7.5


async def test_a_budget_is_shown_changed_and_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_BUDGET, BUDGET)
    neighbours.answer(UPDATE_BUDGET, BUDGET)
    neighbours.answer(DELETE_BUDGET, Empty())

    async with client.get(ONE) as shown:
        tag = shown.headers["ETag"]
    change = {"usd": 20}
    async with client.patch(ONE, json=change, headers={"If-Match": tag}) as changed:
        pass
    async with client.delete(ONE) as deleted:
        pass

    assert (shown.status, changed.status, deleted.status) == (200, 200, 204)


async def test_a_budget_that_is_not_there_is_404(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_BUDGET, BudgetNotFoundError("There is no such budget."))

    async with client.get(ONE) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (404, "BUDGET_NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"usd": None}, "usd"),
        ({"tokens": 5}, "usd"),
        ({"usd": -1}, "usd"),
        ({"scope": {"kind": "agent"}}, "scope.id"),
        ({"scope": {"kind": "organization", "id": str(SOME_ID)}}, "scope.id"),
        ({"period": "year"}, "period"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"warn_at_percent": 0}, "warn_at_percent"),
        ({"budget": 5}, "budget"),
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused_by_field(
    client: ClientSession, change: dict[str, Any], field: str
) -> None:
    async with client.post("/api/budgets", json=SUBMISSION | change) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (422, "VALIDATION_FAILED")
    assert field in [each["field"] for each in body["details"]["fields"]]


async def test_limits_are_listed_with_what_is_left_of_the_minute(
    client: ClientSession, neighbours: Neighbours
) -> None:
    standing = LimitStanding(
        limit="requests_per_minute",
        of="provider",
        of_id=SOME_ID,
        amount=100,
        used=40,
        left=60,
        resets_at=NOON,
    )
    neighbours.answer(LIST_LIMITS, Limits(data=[standing]))

    async with client.get(f"/api/limits?of_id={SOME_ID}") as response:
        body = await response.json()

    assert response.status == 200
    assert (body["data"][0]["left"], body["data"][0]["amount"]) == (60, 100)
