"""A fresh database, and the bus under any identity: a service is its login."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Servers, Stack, fresh_stack
from shared.bus import NatsBus
from shared.contracts.base import Service


@pytest.fixture
def services() -> Iterable[Service]:
    """Those that find their tables; any other makes them when it starts."""
    return Service


@pytest_asyncio.fixture
async def stack(
    servers: Servers, tmp_path: Path, services: Iterable[Service]
) -> AsyncIterator[Stack]:
    """Everything the services of one installation are told, over an empty database."""
    async with fresh_stack(servers, tmp_path, services) as fresh:
        yield fresh


@pytest.fixture
def bus_as(servers: Servers) -> BusAs:
    """Log in to the bus as any service."""
    return BusAs(servers.nats_url)


@pytest_asyncio.fixture
async def gateway(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.GATEWAY) as bus:
        yield bus


@pytest_asyncio.fixture
async def metrics(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.METRICS) as bus:
        yield bus


@pytest_asyncio.fixture
async def runner(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.AGENT_RUNNER) as bus:
        yield bus
