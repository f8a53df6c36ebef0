"""A proxy whose spool is checked after every test: each call has exactly one end."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ag2trust_sandbox import Sandbox, serving

from .proxying import Proxy, open_proxy
from .spool_check import check_spool


@pytest.fixture
def spool_folder(tmp_path: Path) -> Iterator[Path]:
    """Where the proxy of a test has its spool; read when all its calls are over."""
    folder = tmp_path / "spool"
    yield folder
    check_spool(folder)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(keys_in_full=True) as provider:
        yield provider


@pytest.fixture
async def proxy(spool_folder: Path, sandbox: Sandbox) -> AsyncIterator[Proxy]:
    """Open the proxy before the sandbox."""
    async with open_proxy(spool_folder, sandbox.base_url) as opened:
        yield opened
