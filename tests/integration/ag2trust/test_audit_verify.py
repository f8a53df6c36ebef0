"""`ag2trust audit verify`, as somebody runs it who no longer trusts the machine."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from ag2trust.answering import installed_home, postgres_of
from ag2trust.home import open_home
from ag2trust.keys import kept_passwords
from ag2trust.launched import Place, launched
from ag2trust.postgres import SUPERUSER, running_postgres
from ag2trust.provisioning import DATABASE
from ag2trust.quick_folder import quick_folder
from ag2trust.waiting import until

from ...stack.shell import run_here  # noqa: TID252 - no package

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

WHOLE, TOUCHED, WRONG_OPTION, NO_INSTALLATION, UNAVAILABLE, WRONG_VARIABLE = (
    0,
    1,
    2,
    66,
    69,
    78,
)
PROVIDERS = 8
_COPIED = ("audit", "audit_head")


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    words: str


@dataclass(frozen=True, slots=True)
class AtRest:
    """What was told of a stack that did not run: by itself, and while it was held."""

    down: Told
    held: Told


async def verify(place: Place, *arguments: str, **variables: str) -> Told:
    env = place.environment(**variables)
    said = await run_here("audit", "verify", *arguments, env=env)
    return Told(said.code, said.output + said.errors)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with quick_folder() as folder:
        yield Place(folder / "home")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_rest(place: Place) -> AtRest:
    """Run a stack until the end of its history was exported, and stop it."""
    async with launched(place):
        await _make_history(place)
        await _export_its_end(place)
    down = await verify(place)
    with open_home(place.home):
        held = await verify(place)
    return AtRest(down, held)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    place: Place,
    at_rest: AtRest,  # noqa: ARG001 - comes before
) -> AsyncIterator[None]:
    """Run what a verification sees of a stack that runs: PostgreSQL, and a lock."""
    with open_home(place.home) as home:
        async with running_postgres(postgres_of(home), kept_passwords(home)[SUPERUSER]):
            yield


@pytest_asyncio.fixture(loop_scope="module")
async def superuser(place: Place, running: None) -> AsyncIterator[Superuser]:  # noqa: ARG001 - runs meanwhile
    """Let a test touch the audit, and undo what it did."""
    home = installed_home(place.home)
    url = postgres_of(home).url(SUPERUSER, kept_passwords(home)[SUPERUSER], DATABASE)
    connection = await asyncpg.connect(url)
    await connection.execute("SET search_path = credentials")
    for table in _COPIED:
        await connection.execute(f"CREATE TABLE {table}_copy AS TABLE {table}")
    yield connection
    for table in _COPIED:
        await connection.execute(
            f"DELETE FROM {table}; INSERT INTO {table} TABLE {table}_copy;"  # noqa: S608 - our own table names
            f"DROP TABLE {table}_copy"
        )
    await connection.close()


async def _make_history(place: Place) -> None:
    headers = {"X-API-Key": place.api_key}
    async with aiohttp.ClientSession(headers=headers) as http:
        for number in range(PROVIDERS):
            provider = {"name": f"p{number}", "type": "openai", "api_key": "sk-1"}
            url = f"{place.gateway_url}/api/providers"
            async with http.post(url, json=provider) as made:
                assert made.status == 201


async def _export_its_end(place: Place) -> None:
    """Kill the service, whose every start exports what is there."""
    before = len(_exported(place))
    os.kill(place.pid_of("credentials"), signal.SIGKILL)
    await until("an export", lambda: len(_exported(place)) > before)


def _exported(place: Place) -> list[str]:
    files = (place.home / "audit").glob("credentials-*.jsonl")
    return [line for file in files for line in file.read_text().splitlines()]


async def test_what_nobody_touched_is_whole(
    place: Place,
    running: None,  # noqa: ARG001 - runs meanwhile
) -> None:
    told = await verify(place)

    assert told.code == WHOLE
    assert told.words.startswith("The audit is whole (1 organization, ")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit SET act = 'x' WHERE position = 4", ["entry 4 ", "was edited"]),
        (
            """
            UPDATE audit SET position = CASE position WHEN 2 THEN 105 ELSE 102 END
            WHERE position IN (2, 5);
            UPDATE audit SET position = position - 100 WHERE position > 100
            """,
            ["entry 2 ", "entry 5 ", "was moved here from position"],
        ),
        ("DELETE FROM audit WHERE position = 4", ["entry 4 is missing"]),
        (
            """
            DELETE FROM audit WHERE position > 5;
            UPDATE audit_head
            SET position = 5, hash = (SELECT hash FROM audit WHERE position = 5)
            """,
            ["entry 6 is missing at the end (head of "],
        ),
        (
            "DELETE FROM audit; DELETE FROM audit_head",
            ["entry 1 is missing at the end (head of "],
        ),
    ],
    ids=["edited", "moved", "removed", "truncated", "wiped out"],
)
async def test_what_was_touched_is_named(
    place: Place, superuser: Superuser, statement: str, words: list[str]
) -> None:
    await superuser.execute(statement)

    told = await verify(place)

    assert told.code == TOUCHED
    assert "The audit was touched: " in told.words
    for each in words:
        assert each in told.words


async def test_a_copy_that_was_kept_elsewhere_knows_what_the_machine_denies(
    place: Place, superuser: Superuser, tmp_path: Path
) -> None:
    folder, elsewhere = place.home / "audit", tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    [file] = elsewhere.iterdir()
    (folder / file.name).unlink()
    await superuser.execute("DELETE FROM audit; DELETE FROM audit_head")

    denied = await verify(place)
    known = await verify(place, "--heads", str(elsewhere))

    shutil.copy(file, folder)
    assert denied.code == WHOLE
    assert known.code == TOUCHED
    assert "is missing at the end" in known.words


async def test_a_head_that_the_service_did_not_sign_is_no_head(
    place: Place,
    running: None,  # noqa: ARG001 - runs meanwhile
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(place.home / "audit", elsewhere)
    [file] = elsewhere.iterdir()
    file.write_text(file.read_text().replace('"signature":"', '"signature":"AAAA'))

    told = await verify(place, "--heads", str(elsewhere))

    assert told.code == TOUCHED
    assert f"{file}, line 1: no head signed by this service" in told.words


async def test_a_stack_that_is_down_is_verified_unless_somebody_holds_its_home(
    at_rest: AtRest,
) -> None:
    assert (at_rest.down.code, at_rest.held.code) == (WHOLE, UNAVAILABLE)
    assert "PostgreSQL does not answer." in at_rest.held.words


async def test_a_folder_without_an_installation_is_left_as_it_is(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path / "nothing")

    told = await verify(place)

    assert told.code == NO_INSTALLATION
    assert f"There is no installation in {place.home}." in told.words
    assert not place.home.exists()


async def test_a_wrong_option_or_variable_is_explained(tmp_path: Path) -> None:
    place = Place(tmp_path / "nothing")

    option = await verify(place, "--heads", str(tmp_path / "gone"))
    variable = await verify(place, AG2TRUST_GATEWAY_PORT="none")

    assert option.code == WRONG_OPTION
    assert variable.code == WRONG_VARIABLE
    assert "AG2TRUST_GATEWAY_PORT" in variable.words
