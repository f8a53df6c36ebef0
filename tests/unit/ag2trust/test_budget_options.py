"""What the options of an agent type's budget send."""

from typing import Any

import pytest
from aiohttp import web
from tests.unit.client.gateway import json_answer, serving
from tests.unit.client.objects import page_of, sample

from .running_commands import run

BUDGET = sample(
    "AgentTypeBudget",
    name="helpers",
    usd=20.0,
    tokens=None,
    period="day",
    time_zone="Europe/Berlin",
    mode="hard",
    warn_at_percent=70,
)
KEPT = {each: BUDGET[each] for each in BUDGET if each not in {"id", "usd", "tokens"}}


async def sent(budget: dict[str, Any] | None, *options: str) -> Any:
    """Give what is sent to change a type that has *budget*."""
    took: list[Any] = []
    agent_type = sample("AgentType", name="helper", slug="helper", budget=budget)

    async def change(request: web.Request) -> web.Response:
        took.append(await request.json())
        return web.json_response(agent_type)

    nothing = json_answer(page_of([]))
    async with serving(
        json_answer(page_of([agent_type])), change, nothing, nothing
    ) as gateway:
        said = await run(gateway, "agent-types", "change", "helper", *options)
    return took[0] if took else said.exit_code


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (("--budget-mode", "warn"), {"usd": 20.0, "mode": "warn"}),
        (("--budget-usd", "5"), {"usd": 5.0}),
        (("--budget-tokens", "900"), {"tokens": 900}),
    ],
)
async def test_what_is_not_said_of_a_budget_stays(
    options: tuple[str, ...], changes: dict[str, Any]
) -> None:
    assert await sent(BUDGET, *options) == {"budget": KEPT | changes}


async def test_a_first_budget_is_hard_and_of_a_month() -> None:
    budget = {"usd": 5.0, "period": "month", "mode": "hard"}

    assert await sent(None, "--budget-usd", "5") == {"budget": budget}


async def test_a_budget_is_removed() -> None:
    assert await sent(BUDGET, "--no-budget") == {"budget": None}


@pytest.mark.parametrize(
    "options",
    [
        ("--budget-mode", "warn"),
        ("--budget-usd", "1", "--budget-tokens", "1"),
        ("--budget-usd", "1", "--no-budget"),
    ],
)
async def test_a_budget_that_is_said_in_part_or_twice_is_refused(
    options: tuple[str, ...],
) -> None:
    assert await sent(None, *options) == 2
