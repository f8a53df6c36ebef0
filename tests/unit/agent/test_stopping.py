import asyncio
from datetime import timedelta

import pytest

from ag2trust_agent.stopping import Stop, StoppedError

from .conftest import Working
from .fakes import FakeModelServer, FakeRunner

NOW = timedelta(0)
LONG = timedelta(seconds=60)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_block_without_grace_ends_at_once() -> None:
    stop = Stop()
    asyncio.get_running_loop().call_soon(stop.request)

    with pytest.raises(StoppedError):
        async with stop.allowing(NOW):
            await forever()


async def test_a_block_that_begins_too_late_ends_at_once() -> None:
    stop = Stop()
    stop.request()

    with pytest.raises(StoppedError):
        async with stop.allowing(NOW):
            await forever()


async def test_a_block_with_grace_may_finish() -> None:
    stop = Stop()

    async with stop.allowing(LONG):
        stop.request()
        await asyncio.sleep(0)

    assert stop.is_requested


async def test_a_second_request_does_not_take_the_grace_back() -> None:
    stop = Stop()

    async with stop.allowing(LONG):
        stop.request()
        stop.request()
        await asyncio.sleep(0)

    assert stop.is_requested


async def test_a_timeout_of_the_block_itself_is_not_a_stop() -> None:
    with pytest.raises(TimeoutError):
        async with Stop().allowing(LONG), asyncio.timeout(0):
            await forever()


async def test_an_idle_agent_stops_at_once(
    runner: FakeRunner, working: Working
) -> None:
    async with asyncio.timeout(20), working() as stop:
        await runner.until(lambda: runner.polls == 1)
        stop.request()


async def test_a_message_in_hand_is_finished_before_the_agent_stops(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    asked_to_stop = asyncio.Event()
    models.say("one ", asked_to_stop, "two")
    runner.give("Count")
    runner.give("Again")

    async with working() as stop:
        await runner.until(lambda: bool(runner.replies and runner.replies[0].pieces))
        stop.request()
        asked_to_stop.set()

    assert runner.outcomes == [{"status": "completed", "content": "one two"}]
    assert runner.polls == 1


async def test_a_message_that_takes_longer_than_the_grace_is_left(
    runner: FakeRunner, models: FakeModelServer, working: Working
) -> None:
    models.say("one ", asyncio.Event())
    runner.give("Count")

    async with working(grace=NOW) as stop:
        await runner.until(lambda: bool(runner.replies and runner.replies[0].pieces))
        stop.request()

    assert runner.outcomes == []
