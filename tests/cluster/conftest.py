"""Providers and places for tests of many machines."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ag2trust.quick_folder import quick_folder
from ag2trust_sandbox import Sandbox, serving


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as empty:
        yield empty
