"""The pools through the loss of PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from ag2trust.accounts import unprivileged_account
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.quick_folder import quick_folder
from ag2trust.waiting import until
from shared.database import connect_database
from shared.errors import DatabaseUnavailableError
from shared.ids import new_id
from shared.settings import DatabaseSettings

from .outcomes import Outcomes, trying

pytestmark = pytest.mark.integration

_PASSWORD = "only-for-tests"


@pytest.fixture
def server() -> Iterator[Postgres]:
    """Describe a server of the test's own, where another account can reach it."""
    with quick_folder() as folder:
        yield Postgres(
            folder / "postgres",
            log=folder / "postgres.log",
            account=unprivileged_account(),
            is_durable=False,
        )


def settings_for(server: Postgres) -> DatabaseSettings:
    url = SecretStr(server.url(SUPERUSER, _PASSWORD, "postgres"))
    return DatabaseSettings(
        identity_file=Path("unused"),
        database_url=url,
        sweep_database_url=url,
        owner_database_url=url,
    )


async def test_a_server_that_stops_at_once_costs_only_unavailable_transactions(
    server: Postgres,
) -> None:
    outcomes = Outcomes()

    async with AsyncExitStack() as stack:
        child = await stack.enter_async_context(running_postgres(server, _PASSWORD))
        database = await stack.enter_async_context(
            connect_database(settings_for(server))
        )

        async def transact() -> None:
            async with database.organization(new_id()) as connection:
                await connection.execute("SELECT pg_sleep(0.001)")
                await connection.execute("SELECT 1")

        async with trying(transact, outcomes):
            await outcomes.more(None, seconds=20)
            os.kill(child.pid, signal.SIGQUIT)  # "immediate", as in a crash
            await child.ended()
            await outcomes.more(DatabaseUnavailableError, seconds=20)
            await stack.enter_async_context(running_postgres(server, _PASSWORD))
            await outcomes.more(None, seconds=20)

    assert set(outcomes.counts) == {None, DatabaseUnavailableError}


async def test_a_pool_says_in_a_line_that_its_server_is_gone(
    server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        told = stack.enter_context(capture_logs())
        child = await stack.enter_async_context(running_postgres(server, _PASSWORD))
        await stack.enter_async_context(connect_database(settings_for(server)))

        os.kill(child.pid, signal.SIGQUIT)
        await child.ended()
        await until(
            "database.unreachable",
            lambda: [each["event"] for each in told],
            lambda events: "database.unreachable" in events,
        )

    assert not [each for each in caplog.records if each.name.startswith("asyncpg")]
    assert not [each for each in told if each.get("exc_info")]
