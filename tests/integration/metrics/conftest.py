"""The service in this process, and the logins that speak to it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from metrics.app import serving
from metrics.settings import Settings
from shared.contracts.base import Service
from shared.migrations import migrate

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def services() -> list[Service]:
    return [Service.METRICS]


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.settings(Settings, Service.METRICS)


@pytest_asyncio.fixture
async def schema(settings: Settings) -> None:
    """Make the tables, and nobody who sweeps them."""
    await migrate(settings, "metrics.migrations")


@pytest_asyncio.fixture
async def metrics(settings: Settings) -> AsyncIterator[None]:
    """Run the service during the test, which folds by itself (see `watching`)."""
    async with serving(settings, fold_every=timedelta(days=1)):
        yield


@pytest_asyncio.fixture
async def superuser(stack: Stack) -> AsyncIterator[Superuser]:
    """Look at every row, past row-level security."""
    connection = await stack.connect()
    await connection.execute("SET search_path = metrics")
    yield connection
    await connection.close()


async def without_unique_calls(superuser: Superuser) -> None:
    """Leave the sequence as the only defence against counting twice.

    A service at work may have locked what is next, and wait for what is locked here.
    """
    while True:
        try:
            await superuser.execute("ALTER TABLE call DROP CONSTRAINT call_pkey")
        except asyncpg.DeadlockDetectedError:
            continue
        return
