"""The four services in one process, on a real NATS and PostgreSQL; a sandbox provider.

Each is assembled by its own `serving`, with its own identity, roles and permissions.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio

import agent_runner.app
import agent_runner.settings
import credentials.app
import credentials.settings
import gateway.app
import gateway.settings
import metrics.app
import metrics.settings
from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox
from ag2trust_sandbox import serving as sandbox_serving
from shared.contracts.base import Service

OWNER_KEY = "cust_" + "a1B2" * 8


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with sandbox_serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def operator(stack: Stack) -> AsyncIterator[Operator]:
    """Somebody with the owner key of a fresh installation."""
    async with AsyncExitStack() as services:
        await services.enter_async_context(
            credentials.app.serving(
                stack.settings(credentials.settings.Settings, Service.CREDENTIALS)
            )
        )
        await services.enter_async_context(
            metrics.app.serving(
                stack.settings(metrics.settings.Settings, Service.METRICS)
            )
        )
        await services.enter_async_context(
            agent_runner.app.serving(
                stack.settings(agent_runner.settings.Settings, Service.AGENT_RUNNER)
            )
        )
        door = stack.settings(
            gateway.settings.Settings,
            Service.GATEWAY,
            bootstrap_key_hash=hashlib.sha256(OWNER_KEY.encode()).hexdigest(),
        )
        await services.enter_async_context(gateway.app.serving(door))
        session = await services.enter_async_context(
            aiohttp.ClientSession(
                base_url=f"http://127.0.0.1:{door.port}",
                headers={"X-API-Key": OWNER_KEY},
            )
        )
        yield Operator(session)


@pytest.fixture
def provider_key() -> str:
    return "sk-a-key-of-the-sandbox-1234"
