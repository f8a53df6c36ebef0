"""A machine is cut off with all that runs on it, and nobody on either side is told."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ag2trust_sandbox import Sandbox

from ..integration.metrics.cable import Cable  # noqa: TID252 - no package
from .books import agree
from .cluster import running_cluster
from .machines import machines
from .services import SERVICES
from .steady import steadily

pytestmark = [pytest.mark.stack, pytest.mark.torture, pytest.mark.timeout(300)]

RUNNER = "agent_runner-1"
PROCESSES = ("nats-1", "nats-2", "nats-3", "postgres-1", "postgres-2", *SERVICES)


async def test_a_machine_that_is_cut_off_and_comes_back_loses_and_doubles_nothing(
    folder: Path, sandbox: Sandbox
) -> None:
    provider = urlsplit(sandbox.base_url)
    to_provider = Cable(
        lambda: asyncio.open_connection(provider.hostname, provider.port)
    )
    async with (
        machines(("1", "2", "3")) as net,
        to_provider.laid(net.here) as cable,
        running_cluster(
            folder, hosts={each: net.hosts[each[-1]] for each in PROCESSES}
        ) as cluster,
    ):
        operator = cluster.operator
        reached = provider._replace(netloc=f"{net.here}:{cable.port}").geturl()
        agents = await cluster.agents(reached, "ada", "bob")

        async with steadily(operator, agents) as traffic:
            await traffic.goes_on()
            await net.cut("1")
            await cluster.database.promote()
            await traffic.goes_on()
            await cluster.lose("postgres-1")  # or it would go on with what it had
            await net.mend("1")
            await cluster.members[RUNNER].ended()  # another has its agents
            await cluster.bring_back(RUNNER)
            await traffic.goes_on()

        await agree(operator, traffic, sandbox)
