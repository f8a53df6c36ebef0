"""PostgreSQL as the launcher runs it: private, careful with its log, found again."""

import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.accounts import unprivileged_account
from ag2trust.errors import DiskFullError, HomeUnusableError, ServerFailedError
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.provisioning import ROLES, provision_database, provision_roles
from ag2trust.quick_folder import quick_folder

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "correct horse/battery?staple"
FULL = """
CREATE FUNCTION extend() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE EVENT TRIGGER extends ON ddl_command_start EXECUTE FUNCTION extend();
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as empty:
        yield empty


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Postgres]:
    """Run one server for all tests that need no start of their own."""
    with quick_folder() as empty:
        server = _postgres(empty)
        async with running_postgres(server, PASSWORD):
            yield server


def _postgres(folder: Path) -> Postgres:
    return Postgres(
        folder / "postgres",
        log=folder / "postgres.log",
        account=unprivileged_account(),
        is_durable=False,
    )


@asynccontextmanager
async def _connected(
    server: Postgres, password: str = PASSWORD, *, database: str = "postgres"
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(server.url(SUPERUSER, password, database))
    try:
        yield connection
    finally:
        await connection.close()


async def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    server = _postgres(folder)
    async with running_postgres(server, PASSWORD), _connected(server) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    async with running_postgres(server, PASSWORD), _connected(server) as connection:
        assert await connection.fetchval("SELECT answer FROM kept") == 42


async def test_nobody_comes_in_without_the_password(running: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with _connected(running, "another"):
            pass


async def test_it_has_checksums_and_no_tcp(running: Postgres) -> None:
    async with _connected(running) as connection:
        assert await connection.fetchval("SHOW data_checksums") == "on"
        assert await connection.fetchval("SHOW listen_addresses") == ""


async def test_a_statement_that_fails_leaves_no_value_in_the_log(
    running: Postgres,
) -> None:
    async with _connected(running) as connection:
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await connection.execute("SELECT 'sk-in-statement'::int")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.fetch("SELECT length($1) / 0", "sk-in-parameter")

    log = running.log.read_text()
    assert "division by zero" in log
    assert "sk-in-parameter" not in log


async def test_a_disk_that_is_full_for_schemas_is_told_in_a_sentence(
    running: Postgres,
) -> None:
    admin_url = running.url(SUPERUSER, PASSWORD, "postgres")
    await provision_roles(admin_url, dict.fromkeys(ROLES, PASSWORD), iterations=1)
    async with _connected(running) as connection:
        await connection.execute("CREATE DATABASE crowded")
    async with _connected(running, database="crowded") as connection:
        await connection.execute(FULL)

    with pytest.raises(DiskFullError):
        await provision_database(admin_url, "crowded")


async def test_a_long_path_moves_the_socket_and_nothing_else(folder: Path) -> None:
    server = _postgres(folder / ("long" * 30))
    async with running_postgres(server, PASSWORD), _connected(server) as connection:
        assert await connection.fetchval("SELECT 1") == 1

    assert not server.socket_folder.is_relative_to(folder)
    assert server.data_folder.is_relative_to(folder)
    server.socket_folder.rmdir()


async def test_a_link_where_the_socket_should_be_is_not_followed(folder: Path) -> None:
    server = _postgres(folder)
    _pretend_made_by(server, "18")
    mine = folder / "mine"
    mine.mkdir(mode=0o755)
    server.socket_folder.symlink_to(mine)

    with pytest.raises(HomeUnusableError, match="belongs to somebody else"):
        async with running_postgres(server, PASSWORD):
            pass

    assert stat.S_IMODE(mine.stat().st_mode) == 0o755


async def test_the_data_of_another_major_version_is_refused(folder: Path) -> None:
    server = _postgres(folder)
    _pretend_made_by(server, "17")

    with pytest.raises(HomeUnusableError, match="made by PostgreSQL 17"):
        async with running_postgres(server, PASSWORD):
            pass


def _pretend_made_by(server: Postgres, version: str) -> None:
    server.data_folder.mkdir(parents=True)
    (server.data_folder / "PG_VERSION").write_text(f"{version}\n")


async def test_data_that_cannot_be_made_leaves_none_behind(folder: Path) -> None:
    server = _postgres(folder)
    (folder / "postgres").mkdir()
    (folder / "postgres" / "data.building").touch()

    with pytest.raises((ServerFailedError, HomeUnusableError, FileExistsError)):
        async with running_postgres(server, PASSWORD):
            pass

    assert not server.is_created
