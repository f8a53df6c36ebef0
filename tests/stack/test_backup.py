"""A backup of a stack that runs, and what is made of it with its keys and without."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tarfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.answering import installed_home, postgres_of
from ag2trust.keys import kept_passwords
from ag2trust.launched import Place
from ag2trust.postgres import SUPERUSER
from ag2trust.provisioning import DATABASE, ROLES
from ag2trust.readiness import until_ready
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox
from shared.contracts.base import Service

from .recovering import everything, kill
from .shell import run_here
from .whole import OWNER_KEY, Whole, new_place, running

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PROVIDER_KEY = f"sk-fake-{secrets.token_hex(16)}"
DONE, UNUSABLE, NOT_EMPTY = 0, 65, 73
READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup, the keys that belong to it, and what the stack was when it was made.

    *counted* of its *calls* were in the database; the spool alone had the others.
    """

    file: Path
    keys: Path
    told: Told
    agent: str
    provider: str
    made: dict[str, Any]
    counted: int
    calls: set[str]


async def ag2trust(place: Place, *arguments: str) -> Told:
    said = await run_here(*arguments, env=place.environment())
    return Told(said.code, said.output + said.errors)


async def restore(saved: Saved, place: Place, keys: Path | None = None) -> Told:
    chosen = str(keys or saved.keys)
    return await ag2trust(place, "restore", str(saved.file), "--keys", chosen)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def saved(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Saved]:
    """Back a stack up whose last call metrics has not counted yet."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with new_place() as place:
        async with running(place, "process") as whole:
            ids = await whole.operator.running_agent(sandbox.base_url, PROVIDER_KEY)
            agent = f"/api/agents/{ids['agent_id']}"
            await whole.operator.made(f"{agent}/messages", {"content": "One."})
            await whole.operator.until(f"{agent}/stats", calls=1)
            made = await everything(whole.operator)
            await kill(whole, "credentials")  # each start of it exports heads
            await until("kept heads", lambda: [*(place.home / "audit").glob("*.jsonl")])
            await until_ready(place.gateway_url, seconds=READY_SECONDS)
            with _paused(place, "metrics"):
                await whole.operator.made(f"{agent}/messages", {"content": "Two."})
                counted = await _counted(place)
                file = folder / "backup.tar.gz"
                told = await ag2trust(place, "backup", str(file))
            await whole.operator.until(f"{agent}/stats", calls=2)
            calls = await _calls(whole)
        shutil.copytree(place.home / "keys", folder / "keys")
    yield Saved(
        file=file,
        keys=folder / "keys",
        told=told,
        agent=agent,
        provider=f"/api/providers/{ids['provider_id']}",
        made=made,
        counted=counted,
        calls=calls,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def restored(saved: Saved) -> AsyncIterator[Whole]:
    with new_place() as place:
        told = await restore(saved, place)
        assert told.code == DONE, told.words
        async with running(place, "process") as whole:
            yield whole


async def test_a_restored_stack_has_what_was_made(
    saved: Saved, restored: Whole
) -> None:
    await restored.operator.until(saved.agent, status="running")

    assert await everything(restored.operator) == saved.made


async def test_a_restored_agent_answers_with_the_key_of_its_provider(
    saved: Saved, restored: Whole, sandbox: Sandbox
) -> None:
    await restored.operator.until(saved.agent, status="running")

    answer = await restored.operator.made(
        f"{saved.agent}/messages", {"content": "Still there?"}
    )

    assert answer["content"].endswith("You said: Still there?")
    first, *_, last = (it.headers["authorization"] for it in sandbox.requests)
    assert last == first


async def test_calls_that_only_the_spool_had_are_counted_after_a_restore(
    saved: Saved, restored: Whole
) -> None:
    await until(
        f"all of {saved.calls}",
        lambda: _calls(restored),
        lambda counted: saved.calls <= counted,
    )

    assert (saved.counted, len(saved.calls)) == (1, 2)


async def test_the_audit_of_a_restored_stack_is_whole(restored: Whole) -> None:
    told = await ag2trust(restored.place, "audit", "verify")

    assert told.code == DONE
    assert "The audit is whole" in told.words
    assert any((restored.place.home / "audit").iterdir())


async def test_no_key_is_in_a_backup(saved: Saved) -> None:
    with tarfile.open(saved.file) as archive:
        files = [archive.extractfile(each) for each in archive.getmembers()]
        held = b"".join(file.read() for file in files if file)
    files_of_keys = [*saved.keys.glob("*.nkey"), saved.keys / "master.key"]
    kept = [path.read_text().strip() for path in files_of_keys]
    kept += json.loads((saved.keys / "passwords.json").read_text()).values()

    assert saved.told.code == DONE
    assert b"sandbox-echo" in held
    assert len(kept) == len(Service) + len(ROLES) + len(("master key", "superuser"))
    assert [it for it in (PROVIDER_KEY, OWNER_KEY, *kept) if it.encode() in held] == []
    assert saved.file.stat().st_mode & 0o077 == 0


async def test_a_stack_that_is_there_is_not_restored_over(
    saved: Saved, restored: Whole
) -> None:
    told = await restore(saved, restored.place)

    assert told.code == NOT_EMPTY
    assert f"{restored.place.home} is not empty" in told.words


async def test_another_master_key_is_refused(saved: Saved, tmp_path: Path) -> None:
    wrong = tmp_path / "keys"
    shutil.copytree(saved.keys, wrong)
    (wrong / "master.key").write_text(secrets.token_hex(32))

    with new_place() as place:
        told = await restore(saved, place, wrong)
        was_made = place.home.exists()

    assert (told.code, was_made) == (UNUSABLE, False)
    assert "Nothing else opens its credentials." in told.words


@pytest.mark.parametrize("cut", [0, 0.5, 0.99], ids=["empty", "half", "end"])
async def test_a_backup_that_was_cut_short_is_refused(
    saved: Saved, tmp_path: Path, cut: float
) -> None:
    whole = saved.file.read_bytes()
    short = tmp_path / "short"
    short.write_bytes(whole[: int(len(whole) * cut)])

    with new_place() as place:
        told = await ag2trust(place, "restore", str(short), "--keys", str(saved.keys))
        was_made = place.home.exists()

    assert (told.code, was_made) == (UNUSABLE, False)
    assert "is no whole backup" in told.words


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """Start programs that are told of SIGINT; those of a background job are not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing_ctrl_c")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_restore_that_is_stopped_leaves_no_copy_of_the_keys(
    saved: Saved, tmp_path: Path, signum: signal.Signals
) -> None:
    place = Place(tmp_path / "home")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ag2trust", "restore", str(saved.file)),
        *("--keys", str(saved.keys)),
        env=place.environment(),
        stderr=PIPE,
    )
    await until(
        "put the keys into a home",
        lambda: [*tmp_path.glob(".ag2trust-restore-*/home/keys/master.key")],
    )

    process.send_signal(signum)
    _, words = await process.communicate()

    assert (process.returncode, words.decode().strip()) == (1, "Aborted!")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_without_its_master_key_a_stack_opens_only_what_it_is_given_anew(
    saved: Saved, restored: Whole
) -> None:
    """Comes last, for afterwards the restored stack is without it."""
    ask = restored.operator.ask

    (restored.place.home / "keys" / "master.key").write_text(secrets.token_hex(32))
    await kill(restored, "credentials")
    await until_ready(restored.place.gateway_url, seconds=READY_SECONDS)
    lost = await ask("POST", f"{saved.provider}/test")
    await ask("PATCH", saved.provider, {"api_key": PROVIDER_KEY})
    given = await ask("POST", f"{saved.provider}/test")
    answer = await restored.operator.made(
        f"{saved.agent}/messages", {"content": "And now?"}
    )

    assert lost.body["explanation"]["code"] == "CREDENTIAL_WRONG_KEY"
    assert given.body["ok"]
    assert answer["content"].endswith("You said: And now?")


async def _calls(whole: Whole) -> set[str]:
    return {each["call_id"] for each in await whole.operator.all_of("/api/calls")}


@contextmanager
def _paused(place: Place, name: str) -> Iterator[None]:
    pid = place.pid_of(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _counted(place: Place) -> int:
    home = installed_home(place.home)
    password = kept_passwords(home)[SUPERUSER]
    url = postgres_of(home).url(SUPERUSER, password, DATABASE)
    connection = await asyncpg.connect(url)
    try:
        counted: int = await connection.fetchval("SELECT count(*) FROM metrics.call")
    finally:
        await connection.close()
    return counted
