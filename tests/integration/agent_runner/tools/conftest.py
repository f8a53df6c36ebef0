"""A runner whose tools may reach this machine, and an MCP server that it may ask."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.agent_runner.neighbours import FakeRuntime
from tests.integration.agent_runner.runner_house import (
    House,
    open_neighbourhood,
    running,
)
from tests.unit.agent_runner.tools.mcp.hostile_server import (
    HostileServer,
    serving_hostile,
)

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_types import AgentLimits

from .approver import Approver
from .working import Working, working


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    """Open a runner whose tools may reach this machine."""
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, allow_private_tool_hosts=True),
    ):
        yield house


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    async with serving_hostile() as server:
        yield server


@pytest.fixture
def approver(house: House, server: HostileServer) -> Approver:
    return Approver(house, server.url)


@pytest.fixture
async def agent(house: House, approver: Approver) -> Working:
    """Have an agent at work that has all that is approved."""
    await approver.approve_all()
    limits = AgentLimits(tool_calls_per_minute=100)
    return await working(house, ["current_time", approver.tool], limits=limits)
