"""A fresh database, and the bus under any identity."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs, Servers, Stack, fresh_stack


@pytest_asyncio.fixture
async def stack(servers: Servers, tmp_path: Path) -> AsyncIterator[Stack]:
    """Everything the services of one installation are told, over an empty database."""
    async with fresh_stack(servers, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def bus_as(servers: Servers) -> BusAs:
    """Log in to the bus as any service."""
    return BusAs(servers.nats_url)
