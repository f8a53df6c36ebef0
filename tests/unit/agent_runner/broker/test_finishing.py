import asyncio

import pytest

from agent_runner.broker.finishing import finished


async def test_work_is_finished_however_often_it_is_told_to_stop() -> None:
    may_end, is_done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        is_done.set()

    working = asyncio.create_task(finished(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        working.cancel()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await working
    assert is_done.is_set()


async def test_what_fails_is_told() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await finished(work())
