"""What a runner holds of MCP servers: leased once, and anew when they change."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from agent_runner.tools.mcp.leased_servers import LeasedServers
from shared.bus import answer
from shared.clock import utc_now
from shared.contracts.base import Signed
from shared.contracts.credentials import SealedLease
from shared.contracts.mcp_servers import (
    LEASE_MCP_SERVER,
    MCP_LEASE_PURPOSE,
    LeasedMcpServer,
    McpLeaseRequest,
    McpServerChanged,
)
from shared.identity import Identity
from shared.ids import new_id
from shared.leasing import LeaseSealer
from shared.testing import FakeBus

ORG, AGENT, SERVER = (UUID(int=number) for number in (1, 2, 3))


@dataclass
class Keeper:
    """A credentials service that leases a server as it is when it is asked."""

    identity: Identity = field(default_factory=Identity.generate)
    version: int = 1
    leases: int = 0
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def lease(self, signed: Signed) -> SealedLease:
        self.leases += 1
        request = McpLeaseRequest.model_validate_json(signed.body)
        server = LeasedMcpServer(
            server_id=request.server_id,
            name="tickets",
            url="https://tickets.example/mcp",
            version=self.version,
        )
        self.was_asked.set()
        await self.may_answer.wait()
        return LeaseSealer(self.identity, MCP_LEASE_PURPOSE).sealed(
            server,
            asked=signed,
            to=request.public_key,
            lease_id=new_id(),
            expires_at=utc_now() + timedelta(minutes=10),
        )


def servers_of(keeper: Keeper) -> LeasedServers:
    bus = FakeBus()
    bus.serve(answer(LEASE_MCP_SERVER, keeper.lease))
    return LeasedServers(
        bus=bus,
        identity=Identity.generate(),
        credentials=keeper.identity.public,
        runner="runner-1",
        epoch=1,
    )


async def version_of(servers: LeasedServers) -> int:
    return (await servers.of(org_id=ORG, agent_id=AGENT, server_id=SERVER)).version


async def test_a_server_is_leased_once() -> None:
    keeper = Keeper()
    keeper.may_answer.set()
    servers = servers_of(keeper)

    versions = [await version_of(servers) for _ in range(2)]

    assert (versions, keeper.leases) == ([1, 1], 1)


async def test_a_lease_that_was_under_way_when_its_server_changed_is_not_kept() -> None:
    keeper = Keeper()
    servers = servers_of(keeper)
    asking = asyncio.create_task(version_of(servers))
    await keeper.was_asked.wait()

    keeper.version = 2
    servers.changed(McpServerChanged(org_id=ORG, server_id=SERVER))
    keeper.may_answer.set()

    assert (await asking, await version_of(servers)) == (1, 2)
