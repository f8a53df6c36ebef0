"""Transactions on a real PostgreSQL: one organization's rows, and a clean end."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from ag2trust.testing import Stack
from shared.clock import utc_now
from shared.database import Database, Transaction, connect_database
from shared.errors import DatabaseUnavailableError
from shared.ids import new_id
from shared.settings import DatabaseSettings, SettingsError

pytestmark = pytest.mark.integration

_TABLE = """
CREATE TABLE note (id uuid PRIMARY KEY, org_id uuid NOT NULL, words jsonb);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON note TO credentials
    USING (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid)
    WITH CHECK (org_id = NULLIF(current_setting('ag2trust.org_id', true), '')::uuid);
CREATE POLICY sweep ON note TO credentials_sweep USING (true) WITH CHECK (true);
"""
_INSERT = "INSERT INTO note (id, org_id, words) VALUES ($1, $2, $3)"

MINE, YOURS = new_id(), new_id()

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest_asyncio.fixture
async def superuser(stack: Stack) -> AsyncIterator[Superuser]:
    connection = await stack.connect()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def database(stack: Stack, settings: DatabaseSettings) -> AsyncIterator[Database]:
    owner = await stack.connect("credentials_owner")
    await owner.execute(_TABLE)
    await owner.close()
    async with connect_database(settings) as database:
        yield database


async def _write(database: Database, org_id: UUID, words: object = None) -> UUID:
    note_id = new_id()
    async with database.organization(org_id) as connection:
        await connection.execute(_INSERT, note_id, org_id, words)
    return note_id


async def _seen_by(database: Database, org_id: UUID) -> list[UUID]:
    async with database.organization(org_id) as connection:
        rows = await connection.fetch("SELECT org_id FROM note")
    return [row["org_id"] for row in rows]


async def test_an_organization_sees_its_own_rows_alone(database: Database) -> None:
    await _write(database, MINE)
    await _write(database, YOURS)

    assert await _seen_by(database, MINE) == [MINE]
    assert await _seen_by(database, YOURS) == [YOURS]
    assert await _seen_by(database, new_id()) == []


async def test_without_an_organization_there_is_nothing_to_see_or_write(
    database: Database, stack: Stack
) -> None:
    await _write(database, MINE)
    used_before = await database._pool.acquire()
    fresh = await stack.connect("credentials")

    for connection in (used_before, fresh):
        assert await connection.fetch("SELECT * FROM note") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_INSERT, new_id(), MINE, None)

    await database._pool.release(used_before)
    await fresh.close()


async def test_a_statement_of_columns_that_have_changed_is_prepared_anew(
    database: Database, stack: Stack
) -> None:
    """Of all columns, as no repository of ours asks, or of one of another type."""
    owner = await stack.connect("credentials_owner")
    async with database.sweep() as connection:
        await connection.fetch("SELECT * FROM note")
    await owner.execute("ALTER TABLE note ADD COLUMN of_the_next_version text")
    await owner.close()

    with pytest.raises(DatabaseUnavailableError, match="newer version"):
        async with database.sweep() as connection:
            await connection.fetch("SELECT * FROM note")
    async with database.sweep() as connection:
        assert await connection.fetch("SELECT * FROM note") == []


async def test_an_organization_cannot_write_anothers_rows(database: Database) -> None:
    yours = await _write(database, YOURS)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.organization(MINE) as connection:
            await connection.execute(_INSERT, new_id(), YOURS, None)
    async with database.organization(MINE) as connection:
        changed = await connection.execute(
            "UPDATE note SET words = '1' WHERE id = $1", yours
        )
        deleted = await connection.execute("DELETE FROM note")

    assert (changed, deleted) == ("UPDATE 0", "DELETE 0")
    assert await _seen_by(database, YOURS) == [YOURS]


async def test_an_organization_cannot_give_a_row_away(database: Database) -> None:
    await _write(database, MINE)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.organization(MINE) as connection:
            await connection.execute("UPDATE note SET org_id = $1", YOURS)


async def test_a_sweep_sees_and_writes_all(database: Database) -> None:
    await _write(database, MINE)
    await _write(database, YOURS)

    async with database.sweep() as connection:
        seen = await connection.fetch("SELECT org_id FROM note")
        await connection.execute("DELETE FROM note")

    assert {row["org_id"] for row in seen} == {MINE, YOURS}
    assert await _seen_by(database, MINE) == []


async def test_fifty_organizations_at_once_do_not_see_one_another(
    database: Database,
) -> None:
    org_ids = [new_id() for _ in range(50)]

    async def write_and_see(org_id: UUID) -> list[UUID]:
        await _write(database, org_id)
        return await _seen_by(database, org_id)

    seen = await asyncio.gather(*map(write_and_see, org_ids))

    assert seen == [[org_id] for org_id in org_ids]


async def test_an_error_undoes_the_transaction(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.organization(MINE) as connection:
            await connection.execute(_INSERT, new_id(), MINE, None)
            raise KeyError

    with pytest.raises(KeyError):
        await write_and_fail()

    assert await _seen_by(database, MINE) == []


async def test_json_comes_back_as_it_was(database: Database) -> None:
    words = {"a": [1, 2.5, None, True, "ü\U0001f600"], "b": {}}

    await _write(database, MINE, words)

    async with database.organization(MINE) as connection:
        assert await connection.fetchval("SELECT words FROM note") == words


async def test_cancellations_leave_no_transaction_open_and_no_place_taken(
    database: Database, superuser: Superuser
) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable, not secret
    outcomes: Counter[bool] = Counter()

    async def write_twice() -> None:
        async with database.organization(MINE) as connection:
            await connection.execute(_INSERT, new_id(), MINE, None)
            await connection.execute(_INSERT, new_id(), MINE, None)

    async def cancelled_somewhere(ticks: int) -> None:
        writing = asyncio.create_task(write_twice())
        for _ in range(ticks):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        outcomes[writing.cancelled()] += 1

    while outcomes[True] < 200:
        await asyncio.gather(
            *(cancelled_somewhere(dice.randrange(200)) for _ in range(10))
        )

    assert await _states(superuser) <= {"idle"}
    assert await _held_at_once(database) == 10
    assert await superuser.fetchval("SELECT count(*) % 2 FROM credentials.note") == 0


async def _states(superuser: Superuser) -> set[str]:
    """Return what the service's connections are doing."""
    rows = await superuser.fetch(
        """
        SELECT state
        FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'credentials'
        """
    )
    return {row["state"] for row in rows}


async def _held_at_once(database: Database) -> int:
    """Hold as many transactions at once as there are places."""
    everybody = asyncio.Barrier(10)

    async def hold() -> int:
        async with database.organization(MINE) as connection:
            await everybody.wait()
            return int(await connection.fetchval("SELECT 1"))

    return sum(await asyncio.gather(*(hold() for _ in range(10))))


async def test_a_statement_that_takes_too_long_is_ended_on_the_server_too(
    database: Database, superuser: Superuser
) -> None:
    with pytest.raises(DatabaseUnavailableError):
        async with database.organization(MINE) as connection:
            await connection.execute("SELECT pg_sleep(100)", timeout=0.1)

    assert await _seen_by(database, MINE) == []
    assert await _states(superuser) <= {"idle"}


@pytest.mark.parametrize("code", ["53100", "53200"])
async def test_a_database_without_room_is_unavailable_and_says_why(
    database: Database, code: str
) -> None:
    with pytest.raises(DatabaseUnavailableError, match="disk or the memory"):
        async with database.organization(MINE) as connection:
            await connection.execute(
                f"DO $$ BEGIN RAISE 'full' USING ERRCODE = '{code}'; END $$"
            )

    assert await _seen_by(database, MINE) == []


async def test_a_connection_that_is_given_back_forgets_whose_it_was(
    database: Database,
) -> None:
    async with database.organization(MINE) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")

    async with database._pool.acquire() as bare:
        told = await bare.fetchrow(
            "SELECT pg_backend_pid(), current_setting('ag2trust.org_id', true)"
        )

    assert told is not None
    assert tuple(told) == (pid, "")


async def test_every_statement_has_a_limit(database: Database) -> None:
    for pool in (database._pool, database._sweep_pool):
        settings = getattr(pool, "_connect_kwargs")  # noqa: B009 - not in its types
        assert settings["command_timeout"] == 15.0


async def test_a_connection_cut_in_a_statement_is_unavailable_and_replaced(
    database: Database,
) -> None:
    async def end_oneself() -> None:
        async with database.organization(MINE) as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailableError) as caught:
        await end_oneself()

    assert caught.value.retry_after_seconds
    assert await _seen_by(database, MINE) == []


async def test_a_connection_cut_between_statements_is_unavailable_and_replaced(
    database: Database, superuser: Superuser
) -> None:
    async def lose_it() -> None:
        async with database.organization(MINE) as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            await connection.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailableError):
        await lose_it()

    assert await _seen_by(database, MINE) == []


async def test_a_connection_cut_before_the_end_is_unavailable_and_replaced(
    database: Database, superuser: Superuser
) -> None:
    async def lose_it() -> None:
        async with database.organization(MINE) as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", pid)

    with pytest.raises(DatabaseUnavailableError):
        await lose_it()

    assert await _seen_by(database, MINE) == []


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(lambda database: database.organization(MINE), id="organization"),
        pytest.param(lambda database: database.sweep(), id="sweep"),
    ],
)
async def test_who_is_cancelled_stays_cancelled_though_the_connection_was_cut(
    database: Database,
    superuser: Superuser,
    opened: Callable[[Database], AbstractAsyncContextManager[Transaction]],
) -> None:
    """Else a loop that survives unavailable databases would survive its end, too."""
    was_cut = asyncio.Event()

    async def lose_it_and_wait() -> None:
        async with opened(database) as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            was_cut.set()
            await asyncio.Event().wait()

    waiting = asyncio.create_task(lose_it_and_wait())
    await was_cut.wait()

    waiting.cancel()

    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_a_connection_cut_while_it_rests_is_replaced_unseen(
    database: Database, superuser: Superuser
) -> None:
    await _seen_by(database, MINE)
    await superuser.execute(
        """
        SELECT pg_terminate_backend(pid, 5000)
        FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'credentials'
        """
    )
    await superuser.execute("SELECT 'by now its end has arrived here'")

    assert await _seen_by(database, MINE) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:sk-can/ary@127.0.0.1/x",
        "postgresql://user:sk-canary@127.0.0.1:port/x",
        "postgresql://user:sk-canary@127.0.0.1:99999/x",
        "postgresql://user:sk-canary@[::1/x",
        "http://user:sk-canary@127.0.0.1/x",
        "sk-canary",
    ],
)
async def test_what_is_no_url_is_refused_without_quoting_it(
    settings: DatabaseSettings, url: str
) -> None:
    wrong = settings.model_copy(update={"sweep_database_url": SecretStr(url)})

    with pytest.raises(SettingsError) as caught:
        async with connect_database(wrong):
            pass

    assert "sk-can" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_refused_login_is_told_in_one_sentence(
    settings: DatabaseSettings,
) -> None:
    url = settings.database_url.get_secret_value()
    wrong_password = url.replace("only-for-tests", "sk-canary")
    wrong_database = url.replace("/test_", "/absent_")

    for wrong in (wrong_password, wrong_database):
        assert wrong != url
        with pytest.raises(DatabaseUnavailableError, match="does not let us in"):
            async with connect_database(
                settings.model_copy(update={"database_url": SecretStr(wrong)})
            ):
                pass


async def test_where_nobody_listens_it_is_unavailable(
    settings: DatabaseSettings,
) -> None:
    nowhere = SecretStr("postgresql://user:sk-canary@/x?host=/nonexistent&port=5432")

    with pytest.raises(DatabaseUnavailableError, match="cannot be reached") as caught:
        async with connect_database(
            settings.model_copy(update={"database_url": nowhere})
        ):
            pass

    assert "sk-canary" not in str(caught.value)


async def test_arrays_are_written_and_read_without_asking_what_they_are(
    database: Database,
) -> None:
    arrays = {
        "bytea": [b"\0"],
        "integer": [-1],
        "bigint": [2**62],
        "timestamptz": [utc_now()],
        "numeric": [Decimal("0.10")],
        "uuid": [MINE, YOURS],
    }

    async with database.sweep() as connection:
        read = {
            name: await connection.fetchval(f"SELECT $1::{name}[]", array)
            for name, array in arrays.items()
        }
        asked = await connection.fetchval(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE $1",
            "%typeinfo_tree%",
        )

    assert read == arrays
    assert asked == 0
