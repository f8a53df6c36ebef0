"""Limits and budgets while a machine is lost: never passed, and used up again."""

from pathlib import Path

import pytest

from ag2trust_sandbox import serving

from .callers import allowed
from .cluster import running_cluster

pytestmark = [pytest.mark.stack, pytest.mark.torture, pytest.mark.timeout(400)]

LIMIT = 120
BUDGET = 6000
CALLS_LOST = 2  # of each kind, with their runner
MACHINE = (
    *("postgres-1", "nats-1"),
    *("credentials-1", "gateway-1", "agent_runner-1", "metrics-1"),
)


async def test_a_limit_and_a_budget_outlive_a_machine_and_a_minute_later_there_is_more(
    folder: Path,
) -> None:
    async with (
        serving() as limited,
        serving() as budgeted,
        running_cluster(folder) as cluster,
    ):
        operator, doors = cluster.operator, cluster.doors
        by_minute = await allowed(operator, limited, doors, requests_per_minute=LIMIT)
        by_month = await allowed(operator, budgeted, doors, budget=BUDGET)

        async with by_minute.busy(), by_month.busy():
            await by_minute.pass_through(LIMIT // 3)
            await by_month.pass_through(20)
            await cluster.lose(*MACHINE)
            await cluster.database.promote()
            await by_month.pass_through(20)
            await by_month.are_refused("BUDGET_SPENT")
            await by_minute.are_refused("RATE_LIMITED")
            first = limited.request_count
            await by_minute.pass_through(LIMIT // 2)
            await cluster.bring_back(*MACHINE[1:])
            await by_minute.are_refused("RATE_LIMITED")

        assert by_minute.kept(LIMIT)
        assert first >= LIMIT - CALLS_LOST
        [budget] = await operator.all_of("/api/budgets")
        assert by_month.billed_tokens <= budget["used"] <= BUDGET
