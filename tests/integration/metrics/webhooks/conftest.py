"""Metrics and credentials in this process, and a receiver."""

from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
)

import pytest
import pytest_asyncio

import credentials.app
import credentials.settings
from ag2trust.testing import BusAs, Stack
from metrics.repositories.deliveries import PostgresDeliveries
from metrics.repositories.webhooks import PostgresWebhooks
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Service
from shared.database import Database, connect_database
from shared.migrations import migrate

from .receivers import HOST, Receiver, receiver
from .speaking import Operator, Publisher


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.settings(Settings, Service.METRICS, private_webhook_hosts=[HOST])


@pytest.fixture
def keeping(stack: Stack) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Run the credentials service, now and again."""
    settings = stack.settings(credentials.settings.Settings, Service.CREDENTIALS)
    return lambda: credentials.app.serving(settings)


@pytest_asyncio.fixture
async def keeper(
    keeping: Callable[[], AbstractAsyncContextManager[None]],
) -> AsyncIterator[None]:
    """Run the credentials service during the test."""
    async with keeping():
        yield


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Keep the rows of metrics, without a service that works on them."""
    await migrate(settings, "metrics.migrations")
    async with connect_database(settings) as connected:
        yield connected


@pytest.fixture
def webhooks(database: Database) -> PostgresWebhooks:
    return PostgresWebhooks(database)


@pytest.fixture
def deliveries(database: Database) -> PostgresDeliveries:
    return PostgresDeliveries(database)


@pytest.fixture
def operator(stack: Stack, gateway: NatsBus) -> Operator:
    return Operator(gateway, stack.identity(Service.CREDENTIALS).public)


@pytest_asyncio.fixture
async def publisher(bus_as: BusAs, operator: Operator) -> AsyncIterator[Publisher]:
    async with bus_as(Service.METRICS) as bus:
        await bus.declare_events()
        yield Publisher(bus, operator.org_id)


@pytest_asyncio.fixture
async def receiving() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running
