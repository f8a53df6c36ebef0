import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ag2trust.waiting import until
from shared.lifecycle import run_until_signalled

_CANNOT_CLOSE = """
import threading
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.lifecycle import main
from shared.settings import ProcessSettings


class Settings(ProcessSettings, env_prefix="AG2TRUST_TESTS_"):
    pass


def wait_for_ever():
    threading.Event().wait()


@asynccontextmanager
async def serving(settings):
    yield
    wait_for_ever()


main("tests", Settings, serving, closes_within=timedelta(seconds=0.1))
"""


async def test_a_service_shows_life_once_it_is_open(tmp_path: Path) -> None:
    alive_file = tmp_path / "alive"
    was_alive_while_opening: list[bool] = []

    @asynccontextmanager
    async def app() -> AsyncIterator[None]:
        was_alive_while_opening.append(alive_file.exists())
        yield

    async with asyncio.TaskGroup() as group:
        group.create_task(run_until_signalled(app(), alive_file))
        await until("a living service", alive_file.exists)
        os.kill(os.getpid(), signal.SIGTERM)

    assert was_alive_while_opening == [False]


async def test_a_service_that_cannot_close_ends_all_the_same(tmp_path: Path) -> None:
    alive_file = tmp_path / "alive"
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CANNOT_CLOSE),
        env={"AG2TRUST_TESTS_ALIVE_FILE": str(alive_file)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    await until("a living service", alive_file.exists)

    service.terminate()
    async with asyncio.timeout(60):
        _, printed = await service.communicate()

    assert service.returncode == 1
    assert b"in wait_for_ever" in printed
