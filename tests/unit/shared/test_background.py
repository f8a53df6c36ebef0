"""Jobs beside a block: they fall together, and rounds survive their failures."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.errors import AppError, UnavailableError
from shared.lifecycle import background, every

AT_ONCE = timedelta(0)
NEVER = timedelta(days=1)


class Rounds:
    """A job that fails as told, and says when it has been done often enough."""

    def __init__(self, *failures: BaseException | None, wanted: int) -> None:
        self.done = 0
        self.are_done = asyncio.Event()
        self._failures = list(failures)
        self._wanted = wanted

    async def __call__(self) -> None:
        self.done += 1
        if self.done >= self._wanted:
            self.are_done.set()
        if self._failures and (failure := self._failures.pop(0)):
            raise failure


async def _run(
    job: Callable[[], Awaitable[None]],
    until: asyncio.Event,
    *,
    interval: timedelta,
    woken: asyncio.Event | None = None,
) -> None:
    async with (
        asyncio.timeout(20),
        background(every(interval, job, name="test", woken=woken)),
    ):
        await until.wait()


async def test_rounds_go_on_after_failures_of_any_kind() -> None:
    rounds = Rounds(
        UnavailableError("Not now."),
        ValueError("A bug."),
        TimeoutError(),
        ExceptionGroup("Several.", [KeyError()]),
        wanted=5,
    )

    await _run(rounds, rounds.are_done, interval=AT_ONCE)

    assert rounds.done >= 5


async def test_a_round_comes_early_when_it_is_woken() -> None:
    woken = asyncio.Event()
    rounds = Rounds(wanted=2)

    async def count_and_wake() -> None:
        await rounds()
        asyncio.get_running_loop().call_soon(woken.set)

    await _run(count_and_wake, rounds.are_done, interval=NEVER, woken=woken)

    assert rounds.done == 2


async def test_a_call_that_comes_during_a_round_is_not_lost() -> None:
    woken = asyncio.Event()
    rounds = Rounds(wanted=2)

    async def count_while_woken() -> None:
        await rounds()
        if rounds.done == 1:
            woken.set()

    await _run(count_while_woken, rounds.are_done, interval=NEVER, woken=woken)

    assert rounds.done == 2


async def test_a_round_comes_in_time_without_being_woken() -> None:
    rounds = Rounds(wanted=3)

    await _run(rounds, rounds.are_done, interval=AT_ONCE, woken=asyncio.Event())

    assert rounds.done >= 3


async def test_rounds_end_with_their_block() -> None:
    rounds = Rounds(wanted=1)
    await _run(rounds, rounds.are_done, interval=AT_ONCE)
    done = rounds.done

    for _ in range(10):
        await asyncio.sleep(0)

    assert rounds.done == done


async def test_a_job_that_fails_takes_the_block_down() -> None:
    was_left = asyncio.Event()

    async def fail() -> None:
        raise AppError("The bus is gone.")

    async def block() -> None:
        async with background(fail()):
            try:
                await asyncio.Event().wait()
            finally:
                was_left.set()

    with pytest.raises(ExceptionGroup) as caught:
        await block()

    assert caught.group_contains(AppError, match="The bus is gone")
    assert was_left.is_set()


async def test_a_job_that_fails_takes_the_other_jobs_down() -> None:
    was_cancelled = asyncio.Event()
    has_begun = asyncio.Event()

    async def go_on() -> None:
        try:
            has_begun.set()
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    async def fail() -> None:
        await has_begun.wait()
        raise AppError

    with pytest.raises(ExceptionGroup):
        async with background(go_on(), fail()):
            await asyncio.Event().wait()

    assert was_cancelled.is_set()


async def test_leaving_the_block_waits_for_what_a_job_has_to_put_away() -> None:
    has_put_away = False
    has_begun = asyncio.Event()

    async def job() -> None:
        nonlocal has_put_away
        try:
            has_begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            has_put_away = True

    async with background(job()):
        await has_begun.wait()

    assert has_put_away


async def test_a_job_may_end_before_its_block() -> None:
    async def job() -> None:
        """Do nothing."""

    async with background(job(), job()):
        await asyncio.sleep(0)
