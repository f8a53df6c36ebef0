"""The gateway in this process, over real servers."""

import hashlib
from collections.abc import AsyncIterator
from typing import TypeAlias

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from ag2trust.testing import BusAs, Stack
from gateway.app import serving
from gateway.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Service

OWNER_KEY = "cust_" + "o" * 40
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def services() -> list[Service]:
    return [Service.GATEWAY]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little; `Passwords` takes 64 MiB and a tenth of a second for each."""
    monkeypatch.setattr("gateway.access.passwords.PasswordHasher", lambda: QUICK)


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.settings(
        Settings,
        Service.GATEWAY,
        bootstrap_key_hash=hashlib.sha256(OWNER_KEY.encode()).hexdigest(),
    )


@pytest_asyncio.fixture
async def client(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the gateway during the test, and open it with the owner's key."""
    async with (
        serving(settings) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"X-API-Key": OWNER_KEY}
        ) as session,
    ):
        yield session


@pytest_asyncio.fixture
async def credentials(bus_as: BusAs) -> AsyncIterator[NatsBus]:
    async with bus_as(Service.CREDENTIALS) as bus:
        yield bus


@pytest_asyncio.fixture
async def superuser(stack: Stack) -> AsyncIterator[Superuser]:
    """Look at every row, past row-level security."""
    connection = await stack.connect()
    await connection.execute("SET search_path = gateway")
    yield connection
    await connection.close()
