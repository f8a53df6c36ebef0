"""A client of foreign URLs that may reach this machine."""

from collections.abc import AsyncIterator

import pytest

from shared.guarded_http import GuardedHttp, guarded_http


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    async with guarded_http(allow_private=True) as http:
        yield http
