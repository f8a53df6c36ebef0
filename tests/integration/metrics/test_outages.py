"""The service while PostgreSQL is gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import Stack
from metrics.app import serving
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Actor, Service
from shared.contracts.metrics import (
    AGENT_STATS,
    INGEST,
    Ingest,
    Ingested,
)
from shared.contracts.usage import AgentStatsQuestion
from shared.errors import DatabaseUnavailableError
from shared.ids import new_id

from .cable import Cable, cable_to_postgres, through
from .conftest import Superuser
from .records import batch, call, message

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def cable(settings: Settings) -> AsyncIterator[Cable]:
    url = settings.database_url.get_secret_value()
    async with cable_to_postgres(url).laid() as cable:
        yield cable


@pytest.fixture
def cabled_settings(stack: Stack, settings: Settings, cable: Cable) -> Settings:
    return stack.settings(
        Settings,
        Service.METRICS,
        **{
            name: through(getattr(settings, name).get_secret_value(), cable)
            for name in ("database_url", "sweep_database_url", "owner_database_url")
        },
    )


@pytest_asyncio.fixture
async def metrics(cabled_settings: Settings) -> AsyncIterator[None]:
    async with serving(cabled_settings):
        yield


async def ask_in_vain(runner: NatsBus, question: Ingest) -> None:
    with pytest.raises(DatabaseUnavailableError) as caught:
        await runner.ask(INGEST, question)
    assert (caught.value.status, caught.value.code) == (503, "DATABASE_UNAVAILABLE")
    assert caught.value.retry_after_seconds


@pytest.mark.usefixtures("metrics")
async def test_without_postgresql_a_batch_is_refused_and_counts_once_it_is_back(
    runner: NatsBus, superuser: Superuser, cable: Cable
) -> None:
    question = batch(new_id(), [call(), message()])

    cable.cut()
    await ask_in_vain(runner, question)
    cable.mend()
    answer = await runner.ask(INGEST, question)

    assert answer == Ingested(applied_through=2)
    assert await superuser.fetchval("SELECT count(*) FROM call") == 1


@pytest.mark.usefixtures("metrics")
async def test_a_batch_that_loses_postgresql_on_its_way_leaves_nothing(
    runner: NatsBus, superuser: Superuser, cable: Cable
) -> None:
    question = batch(new_id(), [call(), message(), call()])

    async with asyncio.TaskGroup() as asking, superuser.transaction():
        await superuser.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        vain = asking.create_task(ask_in_vain(runner, question))
        await until_blocked(superuser, "metrics_sweep")
        cable.cut()
        await vain
    left = await superuser.fetchval("SELECT count(*) FROM call")
    cable.mend()
    answer = await runner.ask(INGEST, question)

    assert left == 0
    assert answer == Ingested(applied_through=3)
    assert await superuser.fetchval("SELECT count(*) FROM call") == 2


@pytest.mark.usefixtures("metrics")
async def test_without_postgresql_reads_are_refused_too(
    gateway: NatsBus, cable: Cable
) -> None:
    question = AgentStatsQuestion(
        org_id=new_id(), actor=Actor(kind="api_key", id="key-1"), agent_id=new_id()
    )

    cable.cut()

    with pytest.raises(DatabaseUnavailableError):
        await gateway.ask(AGENT_STATS, question)


async def test_without_postgresql_the_service_does_not_start(
    cabled_settings: Settings, cable: Cable
) -> None:
    cable.cut()

    with pytest.raises(DatabaseUnavailableError):
        async with serving(cabled_settings):
            pass
