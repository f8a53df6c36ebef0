"""Services on the bus, each under its own identity, and a schema of one of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Stack
from shared.bus import NatsBus
from shared.contracts.base import Service
from shared.settings import DatabaseSettings


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


@pytest.fixture
def settings(stack: Stack) -> DatabaseSettings:
    """Return what the credentials service knows of the database, and no more."""
    return stack.database_settings(Service.CREDENTIALS)
