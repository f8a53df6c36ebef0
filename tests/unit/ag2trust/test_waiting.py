"""Whoever waits goes on as soon as it may, and says what it waited for in vain."""

import asyncio

import pytest

from ag2trust.waiting import until


async def test_what_holds_already_is_returned() -> None:
    assert await until("a number", lambda: 7) == 7


async def test_it_is_looked_again_until_it_holds() -> None:
    numbers = iter(range(10))

    seen = await until("five", lambda: next(numbers), lambda number: number == 5)

    assert seen == 5
    assert next(numbers) == 6


async def test_an_answer_may_be_awaited() -> None:
    asked = asyncio.Queue[int]()
    asked.put_nowait(0)
    asked.put_nowait(3)

    assert await until("a number", asked.get) == 3


async def test_what_is_named_may_be_raised_meanwhile() -> None:
    server: list[str] = []

    async def start() -> None:
        server.append("ready")

    async with asyncio.TaskGroup() as group:
        group.create_task(start())
        seen = await until("a server", lambda: server[0], not_yet=IndexError)

    assert seen == "ready"


async def test_what_is_not_named_is_raised_at_once() -> None:
    def look() -> bool:
        raise TimeoutError("of another")

    with pytest.raises(TimeoutError, match="of another"):
        await until("a server", look, not_yet=IndexError)


async def test_who_waits_in_vain_says_for_what_and_what_was_seen_last() -> None:
    with pytest.raises(
        AssertionError,
        match=r"^not within 0.01 s: a job at its end; last seen: 'running'$",
    ):
        await until(
            "a job at its end",
            lambda: "running",
            lambda status: status == "done",
            seconds=0.01,
        )


async def test_an_error_can_be_what_was_seen_last() -> None:
    def look() -> bool:
        raise ConnectionError("nobody listens")

    with pytest.raises(AssertionError, match=r"last seen: .*nobody listens"):
        await until("a server", look, seconds=0.01, not_yet=ConnectionError)


async def test_an_answer_that_never_comes_is_not_awaited_for_ever() -> None:
    with pytest.raises(AssertionError, match="an answer; last seen: 'nothing'"):
        await until("an answer", asyncio.Event().wait, seconds=0.01)
