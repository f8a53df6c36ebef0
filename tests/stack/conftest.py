"""A running stack, which modules share, a sandbox provider and a key."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ag2trust.readiness import until_ready
from ag2trust_sandbox import Sandbox, serving

from .organizations import with_an_organization
from .whole import Whole, new_place, running

_WHOLE_SECONDS = 60.0

DOCKER = pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.timeout(300)])


@pytest.fixture(scope="module", params=["process", DOCKER])
def runtime(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as provider:
        yield provider


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def in_processes() -> AsyncIterator[Whole]:
    with new_place() as place:
        async with running(place, "process") as stack:
            yield stack


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def in_containers() -> AsyncIterator[Whole]:
    with new_place() as place:
        async with running(place, "docker") as stack:
            yield stack


@pytest.fixture(scope="module")
def stack(runtime: str, request: pytest.FixtureRequest) -> Whole:
    """Provide the one that all modules share, started for the first of them."""
    shared = {"process": "in_processes", "docker": "in_containers"}[runtime]
    running: Whole = request.getfixturevalue(shared)
    return running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(stack: Whole) -> AsyncIterator[Whole]:
    """Provide a stack to the owner of an organization that is the module's own."""
    await until_ready(stack.place.gateway_url, seconds=_WHOLE_SECONDS)
    async with with_an_organization(stack) as owned:
        yield owned


@pytest.fixture
def provider_key() -> str:
    return f"sk-fake-{secrets.token_hex(16)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured (`record_property`), also where nothing failed."""
    for report in terminalreporter.getreports("passed"):
        for what, figure in report.user_properties:
            terminalreporter.write_line(f"{what}: {figure}")
