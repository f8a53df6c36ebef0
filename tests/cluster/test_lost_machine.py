"""A machine is lost with all that ran on it, the primary of PostgreSQL included."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ag2trust.quick_folder import quick_folder
from ag2trust_sandbox import Sandbox, serving

from .books import agree
from .cluster import Cluster, running_cluster
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PRIMARY = "postgres-1"
OTHERS = ("nats-1", "credentials-1", "gateway-1", "agent_runner-1", "metrics-1")


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[Cluster]:
    with quick_folder() as folder:
        async with running_cluster(folder) as running:
            yield running


async def test_a_lost_machine_loses_no_accepted_message_and_no_call(
    cluster: Cluster, sandbox: Sandbox
) -> None:
    operator = cluster.operator
    made = [
        await operator.running_agent(sandbox.base_url, "sk-any", name=name)
        for name in ("ada", "bob")
    ]

    async with steadily(operator, [each["agent_id"] for each in made]) as traffic:
        await traffic.goes_on()
        await cluster.lose(PRIMARY, *OTHERS)
        await cluster.database.promote()
        await traffic.goes_on()
        await operator.running_agent(sandbox.base_url, "sk-any", name="eve")
        await cluster.bring_back(*OTHERS)
        await traffic.goes_on()

    await agree(operator, sandbox, traffic)
