"""Our proxy alone, with all that a call costs: `python -m benchmarks.proxy.ours`.

Authentication by path token and key, policy, lease, metering, the spool with its syncs,
and shipping. What is beyond the process is stood in for: PostgreSQL is not asked on
this path, and metrics counts each batch at once.
"""

import argparse
import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import uvloop
from pydantic import SecretStr

from agent_runner.agent_protocol.doors import open_doors
from agent_runner.app import create_app
from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.http.client import connecting
from agent_runner.http.deadlines import watching_deadlines
from agent_runner.http.limits import Limits
from agent_runner.leases import HeldLease
from agent_runner.messages.message_desk import MessageDesk
from agent_runner.proxy.application import ProxyApplication
from agent_runner.proxy.calls import CallBook, interrupted
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.proxy.large_bodies import reading_large_bodies
from agent_runner.repositories.messages import Host
from agent_runner.shipping import ship_spool
from agent_runner.spool.spool import Spool
from agent_runner.tenure import Tenure, boot_time
from agent_runner.tools.tool_desk import ToolDesk
from shared.bus import answer
from shared.collecting import telling_of_spans
from shared.contracts.agent_types import AgentType, Resources
from shared.contracts.base import Service
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.contracts.metrics import INGEST, Ingest, Ingested
from shared.database import Database
from shared.garbage import collect_seldom
from shared.ids import new_id
from shared.lifecycle import background
from shared.logs import set_up_logs
from shared.testing import FakeBus

from .asking import KEY, MODEL, PLACES, token_of

HOST = "127.0.0.1"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    options = arguments.parse_args()
    set_up_logs("agent-runner", level="info")
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.folder, options.upstream, options.port))


async def serve(folder: Path, upstream: str, port: int) -> None:
    async with (
        telling_of_spans(Service.AGENT_RUNNER),
        serving(folder, upstream, port),
    ):
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    folder: Path, upstream: str, port: int
) -> AsyncIterator[tuple[HostedAgents, Forwarding]]:
    tenure = Tenure(runner="runner-1", epoch=1, asked_at=boot_time())
    bus = FakeBus()
    bus.serve(answer(INGEST, count))
    async with AsyncExitStack() as stack:
        spool = stack.enter_context(Spool.open(folder, interrupted=interrupted))
        deadlines = await stack.enter_async_context(watching_deadlines())
        client = await stack.enter_async_context(
            connecting(deadlines=deadlines, allow_private=True)
        )
        hosted = HostedAgents(tenure)
        for place in PLACES:
            hosted.add(agent(f"{upstream}/{place}/v1", token=token_of(place)))
        desk = MessageDesk(
            database=cast(Database, None), bus=bus, tenure=tenure, most_deliveries=3
        )
        book = CallBook(spool, runner=tenure.runner)
        large_bodies = stack.enter_context(reading_large_bodies())
        forwarding = Forwarding(client=client, book=book, large_bodies=large_bodies)
        calls = ProxyApplication(hosted, forwarding, large_bodies)
        await stack.enter_async_context(
            open_doors(
                calls,
                create_app(hosted, desk, cast(ToolDesk, None)),
                deadlines=deadlines,
                limits=Limits(),
                address=HOST,
                port=port,
                in_callbacks=calls.directly,
                turn=client.turn,
            )
        )
        await stack.enter_async_context(
            background(spool.syncing(), ship_spool(spool, bus), renewing(tenure))
        )
        yield hosted, forwarding


async def count(batch: Ingest) -> Ingested:
    last = batch.records[-1].sequence if batch.records else 0
    return Ingested(applied_through=last)


async def renewing(tenure: Tenure) -> None:
    while True:
        tenure.renew(asked_at=boot_time())
        await asyncio.sleep(1)


def agent(upstream: str, *, token: str) -> HostedAgent:
    """Make an agent with environment delivery: a token in the path and a key."""
    now = datetime.now(UTC)
    provider_id = new_id()
    credential = LeasedCredential(
        provider_id=provider_id,
        type=ProviderType.OPENAI,
        name="upstream",
        use_case=None,
        base_url=upstream,
        enabled=True,
        version=1,
        fields={"api_key": SecretStr(KEY)},
    )
    agent_type = AgentType(
        id=new_id(),
        version=1,
        name="type",
        slug="type",
        use_case="benchmark",
        labels={},
        provider_id=provider_id,
        model=MODEL,
        allowed_models=[MODEL],
        system_prompt="",
        temperature=None,
        max_tokens=None,
        resources=Resources(),
        created_at=now,
        updated_at=now,
    )
    return HostedAgent(
        host=Host(agent_id=new_id(), runner="runner-1", epoch=1, incarnation=1),
        org_id=new_id(),
        name="ada",
        agent_type=agent_type,
        lease=HeldLease(
            id=new_id(),
            credential=credential,
            obtained_at=now,
            expires_at=now + timedelta(days=1),
        ),
        address=HOST,
        token=token,
        started_at=now,
        delivered=frozenset({hashlib.sha256(KEY.encode()).digest()}),
    )


if __name__ == "__main__":
    main()
