"""Real servers for every test that asks for them; `ag2trust.testing` makes them."""

import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings

from ag2trust.quick_folder import quick_folder
from ag2trust.testing import Servers, running_servers

from .authority import write_authority
from .sharing_out import SharingOut

# After as many is garbage looked for: after 700, as usual, a sixth of all work is that.
_NEW_OBJECTS = 20_000

# Other work may share the core, so no example is late. `make test` tries the same ones
# each time, so that a change fails by what it changed; `make torture` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile("same")

# What structlog does by default, a picture of every frame, takes a second an exception.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """One PostgreSQL and one NATS server for the whole session.

    Not below pytest's own temporary folder: a second session takes the permission to
    pass through it away from PostgreSQL's account.
    """
    with quick_folder() as folder:
        async with running_servers(folder) as running:
            yield running


def pytest_configure(config: pytest.Config) -> None:
    """Let every client of this process, and of its children, trust one authority."""
    folder = TemporaryDirectory(prefix="ag2trust-tests-")
    config.add_cleanup(folder.cleanup)
    trusted = Path(folder.name) / "authority.pem"
    write_authority(trusted)
    os.environ["SSL_CERT_FILE"] = str(trusted)


def pytest_collection() -> None:
    """Spare the collector what stays: ten thousand tests, looked through each time."""
    gc.disable()  # until they are all there


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharingOut:
    return SharingOut(config, log)
