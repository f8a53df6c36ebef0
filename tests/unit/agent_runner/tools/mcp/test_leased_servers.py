"""What a runner holds of MCP servers: leased once, and anew when they change."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from agent_runner.tools.mcp.leased_servers import LeasedServers
from shared.bus import answer
from shared.clock import Clock, utc_now
from shared.contracts.base import Signed
from shared.contracts.leasing import SealedLease
from shared.contracts.mcp_servers import (
    GET_MCP_SERVER,
    LEASE_MCP_SERVER,
    MCP_LEASE_PURPOSE,
    LeasedMcpServer,
    McpLeaseRequest,
    McpServer,
    McpServerChanged,
    McpServerQuestion,
)
from shared.errors import (
    AppError,
    LeaseRefusedError,
    McpServerNotFoundError,
    UnavailableError,
)
from shared.identity import Identity
from shared.ids import new_id
from shared.leasing import LeaseSealer
from shared.testing import FakeBus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORG, AGENT, SERVER = (UUID(int=number) for number in (1, 2, 3))


@dataclass
class Keeper:
    """A credentials service that leases a server as it is when it is asked."""

    now: Clock = utc_now
    identity: Identity = field(default_factory=Identity.generate)
    version: int = 1
    leases: int = 0
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    looks: int = 0
    trouble: AppError | None = None

    @property
    def is_gone(self) -> bool:
        return isinstance(self.trouble, McpServerNotFoundError)

    async def show(self, question: McpServerQuestion) -> McpServer:
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return McpServer(
            id=question.server_id,
            name="tickets",
            url="https://tickets.example/mcp",
            has_token=False,
            version=self.version,
            created_at=NOW,
            updated_at=NOW,
        )

    async def lease(self, signed: Signed) -> SealedLease:
        self.leases += 1
        if self.is_gone:
            raise LeaseRefusedError("This lease is refused.")
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
            expires_at=self.now() + timedelta(minutes=10),
        )


def servers_of(keeper: Keeper) -> LeasedServers:
    bus = FakeBus()
    bus.serve(answer(GET_MCP_SERVER, keeper.show))
    bus.serve(answer(LEASE_MCP_SERVER, keeper.lease))
    return LeasedServers(
        bus=bus,
        identity=Identity.generate(),
        credentials=keeper.identity.public,
        runner="runner-1",
        epoch=1,
        now=keeper.now,
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


@dataclass
class Moving:
    """A clock that a test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


async def held_for(keeper: Keeper, clock: Moving, held: timedelta) -> LeasedServers:
    """Hold the first version for a while."""
    keeper.may_answer.set()
    servers = servers_of(keeper)
    assert await version_of(servers) == 1
    clock.at += held
    return servers


async def test_a_change_that_no_signal_tells_is_seen_after_a_minute() -> None:
    clock = Moving()
    keeper = Keeper(clock)
    servers = await held_for(keeper, clock, timedelta(seconds=59))
    keeper.version = 2

    early = await version_of(servers)
    clock.at += timedelta(seconds=1)

    assert (early, await version_of(servers)) == (1, 2)


async def test_a_clock_that_is_set_back_delays_no_look() -> None:
    clock = Moving()
    keeper = Keeper(clock)
    servers = await held_for(keeper, clock, timedelta(hours=-1))
    keeper.version = 2

    assert await version_of(servers) == 2


async def test_what_has_not_changed_is_looked_at_once_a_minute_and_kept() -> None:
    clock = Moving()
    keeper = Keeper(clock)
    servers = await held_for(keeper, clock, timedelta(minutes=1))

    versions = [await version_of(servers) for _ in range(3)]

    assert versions == [1, 1, 1]
    assert (keeper.looks, keeper.leases) == (1, 1)


async def test_agents_go_on_while_nobody_says_whether_a_server_has_changed() -> None:
    clock = Moving()
    keeper = Keeper(clock)
    servers = await held_for(keeper, clock, timedelta(minutes=1))
    keeper.trouble = UnavailableError("Not now.")

    assert await version_of(servers) == 1
    assert keeper.leases == 1


async def test_a_server_that_is_gone_is_held_no_more() -> None:
    clock = Moving()
    keeper = Keeper(clock)
    servers = await held_for(keeper, clock, timedelta(minutes=1))
    keeper.trouble = McpServerNotFoundError("There is no such MCP server.")

    with pytest.raises(LeaseRefusedError):
        await version_of(servers)
