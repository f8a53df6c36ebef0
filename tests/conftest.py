"""Real servers for every test that asks for them; `ag2trust.testing` makes them."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from ag2trust.testing import Servers, running_servers

from .sharing_out import SharingOut

# Other work may share the core, so no example is late.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """One PostgreSQL and one NATS server for the whole session.

    Not below pytest's own temporary folder: a second session takes the permission to
    pass through it away from PostgreSQL's account.
    """
    with tempfile.TemporaryDirectory(prefix="ag2trust-tests-") as folder:
        async with running_servers(Path(folder)) as running:
            yield running


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharingOut:
    return SharingOut(config, log)
