"""What every test may ask for, and which tests may run beside one another.

Real servers are made by `ag2trust.testing`, one set for each process that runs tests.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from ag2trust.testing import Servers, running_servers

_ALONE = {"stack", "browser"}

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


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share tests out by module; those that need the machine to themselves take turns.

    The stack as processes and the Docker engine are such: what they start competes for
    names, ports and images. They are the longest of all, so they begin first.
    """
    items.sort(key=_can_share_the_machine)
    for item in items:
        group = item.path if _can_share_the_machine(item) else "machine"
        item.add_marker(pytest.mark.xdist_group(str(group)))


def _can_share_the_machine(item: pytest.Item) -> bool:
    return (
        not _ALONE & set(item.path.parts) and item.get_closest_marker("docker") is None
    )
