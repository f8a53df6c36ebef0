"""What the gateway says while a server is away, and that it finds it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.nats_server import NatsServer, running_nats
from ag2trust.ports import free_port
from ag2trust.testing import BusAs, identity_of
from ag2trust.waiting import until
from gateway.app import serving
from gateway.settings import Settings
from shared.bus import NatsBus, answer
from shared.contracts.agent_runner import LIST_AGENTS, Agent
from shared.contracts.base import Page, PageQuestion, Service

from ..metrics.cable import (  # noqa: TID252 - test folders are no packages
    Cable,
    cable_to_postgres,
    through,
)
from .conftest import OWNER_KEY
from .objects import post_message

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 30
UNKNOWN_KEY = "cust_" + "u" * 40


@pytest_asyncio.fixture
async def cable(settings: Settings) -> AsyncIterator[Cable]:
    url = settings.database_url.get_secret_value()
    async with cable_to_postgres(url).laid() as cable:
        yield cable


@pytest.fixture
def nats(tmp_path: Path) -> NatsServer:
    """Provide a NATS server of the test's own, to be started and stopped."""
    return NatsServer(
        tmp_path / "nats",
        log=tmp_path / "nats.log",
        port=free_port(),
        logins={identity_of(service).public.nkey: service for service in Service},
    )


@asynccontextmanager
async def opened(
    settings: Settings, **changes: object
) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the gateway with *changes* to its settings, and open it."""
    changed = Settings.model_validate(settings.model_dump() | changes | {"port": 0})
    async with (
        serving(changed) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"X-API-Key": OWNER_KEY}
        ) as session,
    ):
        yield session


async def test_without_postgresql_an_unknown_key_is_told_to_come_back(
    settings: Settings, cable: Cable
) -> None:
    urls = {
        name: through(getattr(settings, name).get_secret_value(), cable)
        for name in ("database_url", "sweep_database_url", "owner_database_url")
    }
    unknown = {"X-API-Key": UNKNOWN_KEY}

    async with opened(settings, **urls) as client:
        cable.cut()
        async with client.get("/api/agents", headers=unknown) as away:
            body = await away.json()
        missing = await missing_of(client)
        cable.mend()
        async with client.get("/api/agents", headers=unknown) as back:
            pass

    assert (away.status, back.status) == (503, 401)
    assert body["error_code"] == "DATABASE_UNAVAILABLE"
    assert int(away.headers["Retry-After"]) >= 1
    assert "database" in missing


async def test_without_nats_questions_are_told_to_come_back(
    settings: Settings, nats: NatsServer
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), AsyncExitStack() as stack:
        async with running_nats(nats):
            bus = await stack.enter_async_context(BusAs(nats.url)(Service.AGENT_RUNNER))
            await stack.enter_async_context(answered(bus))
            client = await stack.enter_async_context(
                opened(settings, nats_url=nats.url)
            )
            async with client.get("/api/agents") as before:
                pass
        async with client.get("/api/agents") as away:
            body = await away.json()
        message = await post_message(client)
        missing = await missing_of(client)
        await stack.enter_async_context(running_nats(nats))
        after = await until_status(client, 200)

    assert (before.status, away.status, after) == (200, 503, 200)
    assert message == (503, "SERVICE_UNAVAILABLE")
    assert body["error_code"] == "SERVICE_UNAVAILABLE"
    assert int(away.headers["Retry-After"]) >= 1
    assert set(missing) == {"nats", "credentials", "agent_runner", "metrics"}


async def missing_of(client: aiohttp.ClientSession) -> dict[str, str]:
    async with client.get("/readyz") as response:
        assert response.status == 503
        body: dict[str, dict[str, str]] = await response.json()
        return body["missing"]


async def until_status(client: aiohttp.ClientSession, status: int) -> int:
    """Ask until the answer has *status*; each question takes its own time to fail."""

    async def asked() -> int:
        async with client.get("/api/agents") as response:
            return response.status

    return await until(f"status {status}", asked, lambda told: told == status)


@asynccontextmanager
async def answered(runner: NatsBus) -> AsyncIterator[None]:
    """Answer the question for the list of agents during the block."""

    async def no_agents(_: PageQuestion) -> Page[Agent]:
        return Page(data=[])

    async with runner.serving(Service.AGENT_RUNNER, answer(LIST_AGENTS, no_agents)):
        yield
