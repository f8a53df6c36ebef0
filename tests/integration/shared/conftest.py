"""Every service on the bus, each under its own identity."""

from collections.abc import AsyncIterator

import pytest_asyncio

from ag2trust.testing import BusAs
from shared.bus import NatsBus
from shared.contracts.base import Service


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
