"""From the version before to this one while messages flow, with both at once between.

Needs the repository's history, back to the last release or the newest migration; from
where to upgrade can be told (`older.revision_before`).
"""

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox
from shared.contracts.base import Service

from .books import agree
from .cluster import Cluster, running_cluster
from .older import older_sources, revision_before
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.torture, pytest.mark.timeout(600)]

# Who answers others comes before who asks: a question that is new finds an answer.
ROLLED = tuple(
    f"{service}-{number}"
    for service in ("credentials", "metrics", "agent_runner", "gateway")
    for number in (1, 2)
)


async def test_an_upgrade_loses_and_doubles_nothing(
    folder: Path, sandbox: Sandbox
) -> None:
    older = older_sources(revision_before(), folder / "older")
    async with running_cluster(folder, sources=older) as cluster:
        operator = cluster.operator
        agents = await cluster.agents(sandbox.base_url, "ada", "bob")
        before = await applied(cluster)

        async with steadily(operator, agents) as traffic:
            for name in ROLLED:
                await traffic.goes_on()
                await cluster.upgrade(name)
            await traffic.goes_on()
            await operator.running_agent(sandbox.base_url, "sk-any", name="eve")

        assert list((folder / "older").rglob("*.pyc"))  # was run
        assert before <= await applied(cluster) == ours()
        await agree(operator, traffic, sandbox)


async def test_a_schema_that_takes_away_what_is_used_is_not_survived(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder) as cluster:
        [agent] = await cluster.agents(sandbox.base_url, "ada")
        connection = await cluster.stack.connect()
        await connection.execute(
            "ALTER TABLE agent_runner.message RENAME COLUMN content TO said"
        )
        await connection.close()

        answer = await Operator.ask(  # once: it would not give up
            cluster.operator,
            *("POST", f"/api/agents/{agent}/messages"),
            {"content": "Hello?"},
        )

    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR


async def applied(cluster: Cluster) -> set[str]:
    """Return the migrations that have come to the database."""
    connection = await cluster.stack.connect()
    try:
        return {
            f"{service}/{row['name']}"
            for service in Service
            for row in await connection.fetch(
                f"SELECT name FROM {service}.migration"  # noqa: S608 - our own names
            )
        }
    finally:
        await connection.close()


def ours() -> set[str]:
    return {
        f"{service}/{each.name}"
        for service in Service
        for each in files(f"{service}.migrations").iterdir()
        if each.name.endswith(".sql")
    }
