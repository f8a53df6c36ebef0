"""A stack, a sandbox provider and a key, shared by the tests of one module."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ag2trust_sandbox import Sandbox, serving

from .whole import Whole, new_place, running

DOCKER = pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.timeout(300)])


@pytest.fixture(scope="module", params=["process", DOCKER])
def runtime(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(runtime: str) -> AsyncIterator[Whole]:
    with new_place() as place:
        async with running(place, runtime) as stack:
            yield stack


@pytest.fixture
def provider_key() -> str:
    return f"sk-fake-{secrets.token_hex(16)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured (`record_property`), also where nothing failed."""
    for report in terminalreporter.getreports("passed"):
        for what, figure in report.user_properties:
            terminalreporter.write_line(f"{what}: {figure}")
