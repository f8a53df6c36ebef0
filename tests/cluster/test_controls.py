"""What is lost where a defence is missing: so the other tests can see a loss."""

from pathlib import Path

import pytest

from ag2trust_sandbox import Sandbox

from .books import agree, calls_are_counted
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


async def test_an_event_stream_on_one_server_goes_with_its_disk(
    folder: Path, sandbox: Sandbox
) -> None:
    async with running_cluster(folder, event_replicas=1) as cluster:
        operator = cluster.operator
        [agent] = await cluster.agents(sandbox.base_url, "ada")
        await operator.made(f"/api/agents/{agent}/messages", {"content": "Before"})
        await calls_are_counted(operator, sandbox)
        early = await counted_calls(cluster)
        assert await told_calls(cluster, until=early) == dict.fromkeys(early, 1)
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
        assert not early & (await told_calls(cluster, until=late)).keys()


def _keeps_events(folder: Path, server: str) -> bool:
    return any((folder / server / "jetstream").rglob("streams/EVENTS"))
