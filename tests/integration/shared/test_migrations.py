"""Migrations on a real PostgreSQL: in order, once each, all or none."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from shared.contracts.base import Service
from shared.ids import new_id
from shared.migrations import MigrationFailedError, migrate
from shared.settings import DatabaseSettings

pytestmark = pytest.mark.integration

FIRST = "CREATE TABLE first (id int PRIMARY KEY);"
SECOND = "ALTER TABLE first ADD COLUMN name text; CREATE TABLE second (id int);"
BROKEN = "CREATE TABLE third (id int); INSERT INTO third VALUES ('sk-canary');"


class Package:
    """An importable package of SQL files, of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.name = f"migrations_{new_id().hex}"
        self._folder = folder / self.name
        self._folder.mkdir()
        (self._folder / "__init__.py").touch()

    def add(self, name: str, sql: str) -> None:
        (self._folder / name).write_text(sql)


@pytest_asyncio.fixture(autouse=True)
async def empty(stack: Stack) -> None:
    await stack.empty_schema(Service.CREDENTIALS)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.syspath_prepend(tmp_path)
    package = Package(tmp_path)
    package.add("0002_second.sql", SECOND)
    package.add("0001_first.sql", FIRST)
    package.add("notes.txt", "not SQL at all")
    return package


async def _tables(stack: Stack) -> set[str]:
    connection = await stack.connect()
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'credentials'"
    )
    await connection.close()
    return {row["tablename"] for row in rows}


async def _applied(stack: Stack) -> list[str]:
    connection = await stack.connect("credentials_owner")
    rows = await connection.fetch(
        "SELECT name FROM migration ORDER BY applied_at, name"
    )
    await connection.close()
    return [row["name"] for row in rows]


async def test_files_are_applied_in_order_of_their_numbers(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    await migrate(settings, package.name)

    assert await _applied(stack) == ["0001_first.sql", "0002_second.sql"]
    assert await _tables(stack) == {"first", "second", "migration"}


async def test_a_file_is_applied_once(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    await migrate(settings, package.name)
    package.add("0003_later.sql", "CREATE TABLE later (id int);")

    await migrate(settings, package.name)
    await migrate(settings, package.name)

    assert (await _applied(stack))[-1] == "0003_later.sql"
    assert len(await _applied(stack)) == 3


async def test_processes_that_start_together_apply_each_file_once(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    await asyncio.gather(*(migrate(settings, package.name) for _ in range(5)))

    assert await _applied(stack) == ["0001_first.sql", "0002_second.sql"]


async def test_a_file_that_fails_leaves_nothing_and_is_named_without_its_values(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    package.add("0003_broken.sql", BROKEN)

    with pytest.raises(MigrationFailedError) as caught:
        await migrate(settings, package.name)

    assert caught.value.message == (
        "The migration 0003_broken.sql failed: InvalidTextRepresentationError, 22P02."
    )
    assert await _tables(stack) == set()


async def test_what_was_applied_before_stays_when_a_later_file_fails(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    await migrate(settings, package.name)
    package.add("0003_broken.sql", BROKEN)

    with pytest.raises(MigrationFailedError):
        await migrate(settings, package.name)
    package.add("0003_broken.sql", "CREATE TABLE third (id int);")
    await migrate(settings, package.name)

    assert await _tables(stack) == {"first", "second", "third", "migration"}


ROWS_OF_MANY = """
CREATE TABLE many (org_id uuid, done boolean);
INSERT INTO many VALUES (gen_random_uuid(), false);
ALTER TABLE many ENABLE ROW LEVEL SECURITY;
ALTER TABLE many FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON many
    USING (org_id = current_setting('app.organization', true)::uuid);
"""


async def test_a_file_that_would_see_none_of_the_rows_it_changes_fails(
    settings: DatabaseSettings, package: Package
) -> None:
    package.add("0003_many.sql", ROWS_OF_MANY)
    package.add("0004_done.sql", "UPDATE many SET done = true;")

    with pytest.raises(MigrationFailedError, match=r"0004_done\.sql"):
        await migrate(settings, package.name)


async def test_a_file_that_lifts_the_force_changes_the_rows_of_everybody(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    package.add("0003_many.sql", ROWS_OF_MANY)
    package.add(
        "0004_done.sql",
        "ALTER TABLE many NO FORCE ROW LEVEL SECURITY; UPDATE many SET done = true;"
        "ALTER TABLE many FORCE ROW LEVEL SECURITY;",
    )

    await migrate(settings, package.name)

    superuser = await stack.connect()
    assert await superuser.fetchval("SELECT bool_and(done) FROM credentials.many")
    await superuser.close()


async def test_the_service_may_use_what_its_owner_made_and_not_change_it(
    stack: Stack, settings: DatabaseSettings, package: Package
) -> None:
    await migrate(settings, package.name)
    service = await stack.connect("credentials")

    await service.execute("INSERT INTO first (id) VALUES (1)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("DROP TABLE first")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("CREATE TABLE other (id int)")

    await service.close()
