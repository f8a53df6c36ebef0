from collections.abc import AsyncIterator

import pytest
from anthropic import AsyncAnthropic

from ag2trust_sandbox import Sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncAnthropic]:
    """Give the official client, which tries once."""
    async with AsyncAnthropic(
        base_url=sandbox.anthropic_base_url, api_key="sk-ant-test", max_retries=0
    ) as opened:
        yield opened
