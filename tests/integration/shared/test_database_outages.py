"""The pools through the loss of PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from ag2trust.accounts import unprivileged_account
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.quick_folder import quick_folder
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


async def test_a_server_that_stops_at_once_costs_only_unavailable_transactions(
    server: Postgres,
) -> None:
    outcomes = Outcomes()
    url = SecretStr(server.url(SUPERUSER, _PASSWORD, "postgres"))
    settings = DatabaseSettings(
        identity_file=Path("unused"),
        database_url=url,
        sweep_database_url=url,
        owner_database_url=url,
    )

    async with AsyncExitStack() as stack:
        child = await stack.enter_async_context(running_postgres(server, _PASSWORD))
        database = await stack.enter_async_context(connect_database(settings))

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
