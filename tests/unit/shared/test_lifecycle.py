import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.lifecycle import run_until_signalled


async def test_a_service_shows_life_once_it_is_open(tmp_path: Path) -> None:
    alive_file = tmp_path / "alive"
    was_alive_while_opening: list[bool] = []

    @asynccontextmanager
    async def app() -> AsyncIterator[None]:
        was_alive_while_opening.append(alive_file.exists())
        yield

    async with asyncio.TaskGroup() as group:
        group.create_task(run_until_signalled(app(), alive_file))
        await _appeared(alive_file)
        os.kill(os.getpid(), signal.SIGTERM)

    assert was_alive_while_opening == [False]


async def _appeared(file: Path) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(file.exists):
            pass
