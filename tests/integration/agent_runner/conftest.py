"""A runner over real servers, several of them, and a lab on a Docker engine."""

from collections.abc import AsyncIterator

import pytest

from ag2trust.testing import BusAs, Stack
from ag2trust_sandbox import serving
from shared.bus import NatsBus
from shared.contracts.base import Service

from .docker_lab import DockerLab, docker_lab
from .fleet import Fleet, open_fleet
from .neighbours import FakeRuntime
from .outside import Outside
from .runner_house import House, open_house, open_neighbourhood


@pytest.fixture
def services() -> list[Service]:
    return [Service.AGENT_RUNNER]


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    """Open a runner whose agents are played by the test."""
    async with open_house(stack, bus_as, FakeRuntime()) as opened:
        yield opened


@pytest.fixture
async def fleet(stack: Stack, bus_as: BusAs) -> AsyncIterator[Fleet]:
    """Have runners as processes of their own, before a sandbox provider."""
    async with serving() as sandbox, open_fleet(stack, bus_as, sandbox) as opened:
        yield opened


@pytest.fixture
async def outside(stack: Stack, bus_as: BusAs) -> AsyncIterator[Outside]:
    """Have neighbours and a sandbox provider, and no runner yet."""
    async with (
        serving() as sandbox,
        open_neighbourhood(stack, bus_as, FakeRuntime()) as house,
    ):
        house.credentials.base_url = sandbox.base_url
        yield Outside(stack, house, sandbox)


@pytest.fixture
async def one(outside: Outside) -> AsyncIterator[Outside]:
    """Have one runner that listens for external agents."""
    async with outside.runner("runner-1"):
        yield outside


@pytest.fixture
async def credentials_bus(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.CREDENTIALS) as bus:
        yield bus


@pytest.fixture
async def lab() -> AsyncIterator[DockerLab]:
    async with docker_lab() as lab:
        yield lab
