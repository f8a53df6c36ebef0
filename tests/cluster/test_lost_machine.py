"""A machine is lost with all that ran on it, the primary of PostgreSQL included."""

from pathlib import Path

import pytest

from ag2trust_sandbox import Sandbox, serving

from .books import agree
from .callers import allowed
from .cluster import running_cluster
from .events import counted_calls, told_calls
from .limited import limited_agent
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PRIMARY = "postgres-1"
NATS = "nats-1"
LIMIT = 60
BUDGET = 10_000
RUNNER = "agent_runner-1"
SERVICES = ("credentials-1", "gateway-1", RUNNER, "metrics-1")


async def test_a_lost_machine_loses_no_message_no_call_no_event_and_no_limit(
    folder: Path, sandbox: Sandbox
) -> None:
    async with (
        serving() as called,
        running_cluster(folder) as cluster,
        limited_agent(cluster.operator) as limited,
    ):
        operator = cluster.operator
        callers = await allowed(
            operator, called, cluster.doors, requests_per_minute=LIMIT, budget=BUDGET
        )
        agents = await cluster.agents(sandbox.base_url, "ada", "bob")

        async with steadily(operator, agents) as traffic:
            await limited.wants_more()
            async with callers.busy():
                await callers.pass_through(LIMIT // 4)
                await cluster.lose(PRIMARY, NATS, *SERVICES)
                await cluster.database.promote()
                await callers.are_refused("RATE_LIMITED")
            await limited.wants_more()
            await traffic.goes_on()
            cluster.wipe(NATS)
            await cluster.bring_back(NATS, RUNNER)  # whose spool may have calls to tell
            await traffic.goes_on()

        await agree(operator, traffic, sandbox, limited.provider, called)
        calls = await counted_calls(cluster)
        told = await told_calls(cluster, wanted=calls)
        assert set(told.values()) == {1}
        assert limited.kept_its_limit()
        assert callers.kept(LIMIT)
        assert callers.billed_tokens <= BUDGET
