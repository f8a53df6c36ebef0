from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import aiohttp
import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.typing import EventDict

from gateway.access.permissions import Role
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .assembling import assembled
from .fakes import FakeApiKeys, FakeJobs, Neighbours

OWNER_KEY = "cust_" + "o" * 40

Client: TypeAlias = TestClient[web.Request, web.Application]


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def neighbours(bus: FakeBus) -> Neighbours:
    return Neighbours(bus)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api_keys() -> FakeApiKeys:
    keys = FakeApiKeys()
    keys.give(OWNER_KEY, Role.OWNER)
    return keys


@pytest.fixture(scope="session")
def credentials() -> Identity:
    """Whom submissions are sealed to."""
    return Identity.generate()


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


@pytest.fixture
def app(
    bus: FakeBus,
    api_keys: FakeApiKeys,
    credentials: Identity,
    clock: FakeClock,
    jobs: FakeJobs,
) -> web.Application:
    return assembled(bus, api_keys, credentials, clock, jobs=jobs)


@pytest_asyncio.fixture
async def stranger(app: web.Application) -> AsyncIterator[Client]:
    """Provide a client without a key."""
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest_asyncio.fixture
async def client(stranger: Client) -> AsyncIterator[aiohttp.ClientSession]:
    """Provide a client with the owner's key."""
    async with aiohttp.ClientSession(
        stranger.make_url("/"), headers={"X-API-Key": OWNER_KEY}
    ) as session:
        yield session


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """Every event that is logged during the test, whatever its level."""
    with structlog.testing.capture_logs() as events:
        yield events
