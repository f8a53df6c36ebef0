"""One thing added several times at once, as who asks again does."""

import asyncio

import pytest

from shared.ids import new_id

from .runner_house import House
from .test_agent_type_budgets import make

pytestmark = pytest.mark.integration

ROUNDS = 150


@pytest.mark.torture  # test_agent_type_budgets.py has one round every day
async def test_twins_are_one_and_never_refused_for_their_name(house: House) -> None:
    for number in range(ROUNDS):
        given = {"name": f"Helper {number}", "slug": f"helper-{number}"}
        agent_type_id = new_id()

        made = await asyncio.gather(
            *(make(house, agent_type_id, **given) for _ in range(6))
        )

        assert {each.id for each in made} == {agent_type_id}
