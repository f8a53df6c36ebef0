"""Bounds in time hold in a task that was cancelled, and give way to who cancels it."""

import asyncio

import pytest

from shared.timeouts import timeout


async def test_a_block_that_takes_longer_is_ended() -> None:
    with pytest.raises(TimeoutError):
        async with timeout(0):
            await asyncio.Event().wait()


async def test_a_block_that_is_in_time_is_let_be() -> None:
    async with timeout(60) as bound:
        pass

    assert not bound.expired()


async def test_cleanup_after_a_cancellation_is_bounded_and_goes_on() -> None:
    began = asyncio.Event()
    done: list[str] = []

    async def cleaning_up() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            for each in ("first", "second"):
                try:
                    async with timeout(0):
                        await asyncio.Event().wait()
                except TimeoutError:
                    done.append(each)

    task = asyncio.create_task(cleaning_up())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert done == ["first", "second"]
    assert task.cancelled()


async def test_who_cancels_within_is_obeyed() -> None:
    began = asyncio.Event()

    async def bounded() -> None:
        async with timeout(60):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(bounded())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()


async def test_who_cancels_in_the_moment_it_expires_is_obeyed() -> None:
    began = asyncio.Event()

    async def bounded() -> None:
        async with timeout(60) as bound:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                bound.reschedule(0)
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.Event().wait()

    task = asyncio.create_task(bounded())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
