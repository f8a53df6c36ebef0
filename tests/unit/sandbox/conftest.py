from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import Sandbox, serving


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as served:
        yield served


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    """Give the official client, which tries once."""
    async with AsyncOpenAI(
        base_url=sandbox.base_url, api_key="sk-test", max_retries=0
    ) as opened:
        yield opened
