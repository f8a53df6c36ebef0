"""What is lost where a defence is missing: so the other tests can see a loss."""

from pathlib import Path

import pytest

from ag2trust_sandbox import Sandbox, serving

from .books import agree, calls_are_counted
from .callers import allowed
from .cluster import running_cluster
from .events import counted_calls, told_calls
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.torture, pytest.mark.timeout(300)]

NATS = ("nats-1", "nats-2", "nats-3")


async def test_a_standby_that_no_commit_waits_for_loses_accepted_messages(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder, commits_on_both=False) as cluster:
        operator = cluster.operator
        agents = await cluster.agents(sandbox.base_url, "ada")
        await cluster.database.hold_replication()
        async with steadily(operator, agents) as traffic:
            await traffic.goes_on()

        await cluster.lose("postgres-1")
        await cluster.database.promote()

        for message_id in traffic.accepted:
            answer = await operator.ask("GET", f"/api/messages/{message_id}")
            assert answer.status == 404
        with pytest.raises(AssertionError):
            await agree(operator, traffic, sandbox)


async def test_what_passed_is_forgotten_with_a_primary_that_no_commit_waited_for(
    folder: Path, sandbox: Sandbox
) -> None:
    async with (
        serving() as budgeted,
        running_cluster(folder, commits_on_both=False) as cluster,
    ):
        operator, doors = cluster.operator, cluster.doors
        by_minute = await allowed(operator, sandbox, doors, requests_per_minute=60)
        by_month = await allowed(operator, budgeted, doors, budget=3000)
        await cluster.database.hold_replication()

        async with by_minute.busy(), by_month.busy():
            await by_minute.are_refused("RATE_LIMITED")
            await by_month.are_refused("BUDGET_SPENT")
            await cluster.lose("postgres-1")
            await cluster.database.promote()
            await by_minute.pass_through(1)
            await by_month.are_refused("BUDGET_SPENT")

        assert not by_minute.kept(60)
        assert by_month.billed_tokens > 3000


async def test_an_event_stream_on_one_server_goes_with_its_disk(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder, event_replicas=1) as cluster:
        operator = cluster.operator
        [agent] = await cluster.agents(sandbox.base_url, "ada")
        await operator.made(f"/api/agents/{agent}/messages", {"content": "Before"})
        await calls_are_counted(operator, sandbox)
        early = await counted_calls(cluster)
        assert await told_calls(cluster, wanted=early) == dict.fromkeys(early, 1)
        [keeper] = [
            name
            for name in ("nats-1", "nats-2", "nats-3")
            if _keeps_events(folder, name)
        ]

        await cluster.lose(keeper)
        cluster.wipe(keeper)
        await cluster.bring_back(keeper)
        await operator.made(f"/api/agents/{agent}/messages", {"content": "After"})
        await calls_are_counted(operator, sandbox)

        late = await counted_calls(cluster) - early
        assert not early & (await told_calls(cluster, wanted=late)).keys()


def _keeps_events(folder: Path, server: str) -> bool:
    return any((folder / server / "jetstream").rglob("streams/EVENTS"))
