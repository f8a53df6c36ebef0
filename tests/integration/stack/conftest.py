"""A sandbox provider, and somebody who may talk to the four services."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox
from ag2trust_sandbox import serving as sandbox_serving

from .four_services import OWNER_KEY, four_services


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with sandbox_serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def operator(stack: Stack) -> AsyncIterator[Operator]:
    """Somebody with the owner key of a fresh installation."""
    async with (
        four_services(stack) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        yield Operator(session)


@pytest.fixture
def provider_key() -> str:
    return "sk-a-key-of-the-sandbox-1234"
