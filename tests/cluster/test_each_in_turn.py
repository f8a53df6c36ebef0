"""Each process of a cluster is killed, and then all are rolled, while messages flow."""

from pathlib import Path

import pytest

from ag2trust_sandbox import Sandbox

from .books import agree
from .cluster import running_cluster
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.torture, pytest.mark.timeout(900)]

STANDBY = "postgres-2"
SURVIVED = (
    *("nats-1", "nats-2", "nats-3"),
    *("credentials-1", "gateway-1", "metrics-1", "agent_runner-1"),
)
ROLLED = (
    *("nats-1", "nats-2", "nats-3"),
    *("credentials-1", "credentials-2", "metrics-1", "metrics-2"),
    *("gateway-1", "gateway-2", "agent_runner-1", "agent_runner-2"),
)


async def test_any_one_is_killed_and_nothing_is_lost_or_doubled(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder) as cluster:
        operator = cluster.operator
        agents = await cluster.agents(sandbox.base_url, "ada", "bob")

        async with steadily(operator, agents) as traffic:
            for name in SURVIVED:
                await traffic.goes_on()
                await cluster.lose(name)
                await traffic.goes_on()
                await operator.running_agent(
                    sandbox.base_url, "sk-any", name=name.replace("_", "-")
                )
                await cluster.bring_back(name)
            await cluster.lose(STANDBY)  # every write waits for it
            await cluster.bring_back(STANDBY)
            await traffic.goes_on()

        await agree(operator, traffic, sandbox)


async def test_every_service_is_rolled_and_nothing_is_lost_or_doubled(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder) as cluster:
        agents = await cluster.agents(sandbox.base_url, "ada", "bob")

        async with steadily(cluster.operator, agents) as traffic:
            for name in ROLLED:
                await traffic.goes_on()
                await cluster.members[name].stop()
                await cluster.bring_back(name)
            await traffic.goes_on()

        await agree(cluster.operator, traffic, sandbox)
        calls = await cluster.operator.all_of("/api/calls")
        assert {each["status"] for each in calls} == {"completed"}
