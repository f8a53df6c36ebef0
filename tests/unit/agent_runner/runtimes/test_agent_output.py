import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.errors import LaunchFailedError
from agent_runner.runtimes.launch_frame import READY

LONG = timedelta(minutes=1)


async def pieces(*said: bytes, stream: int = 2) -> AsyncIterator[tuple[int, bytes]]:
    for each in said:
        yield stream, each


async def silence() -> AsyncIterator[tuple[int, bytes]]:
    await asyncio.Event().wait()
    yield 1, b""


async def test_an_agent_is_ready_when_its_init_says_so() -> None:
    output = AgentOutput(())

    await output.listen(pieces(READY, b"hello\n"))

    assert await output.is_ready()


async def test_readiness_is_understood_in_pieces() -> None:
    output = AgentOutput(())

    await output.listen(pieces(b"a warning of the shell\n" + READY[:5], READY[5:]))

    assert await output.is_ready()


async def test_readiness_is_understood_before_a_flood() -> None:
    output = AgentOutput(())

    await output.listen(pieces(READY + b"x" * 200_000))

    assert await output.is_ready()


async def test_an_agent_that_ends_first_was_never_ready() -> None:
    output = AgentOutput(())

    await output.listen(pieces(b"ag2trust-init: no command to become\n"))

    assert not await output.is_ready()


async def test_an_init_that_takes_too_long_has_failed() -> None:
    output = AgentOutput((), ready_within=timedelta(milliseconds=10))

    with pytest.raises(LaunchFailedError, match=r"not ready within 0\.01 seconds"):
        await output.is_ready()


async def test_the_final_text_waits_for_the_end() -> None:
    output = AgentOutput(())

    async with asyncio.TaskGroup() as group:
        final = group.create_task(output.final_text())
        group.create_task(output.listen(pieces(b"last words\n")))

    assert final.result() == "last words\n"


async def test_whoever_stops_listening_leaves_nobody_waiting() -> None:
    output = AgentOutput(())
    listening = asyncio.create_task(output.listen(silence()))
    asking = asyncio.create_task(output.is_ready())
    await asyncio.sleep(0)

    listening.cancel()

    assert not await asking
    assert await output.final_text() == ""


async def test_a_flood_does_not_keep_others_from_their_turn() -> None:
    output = AgentOutput(())
    megabyte = [b"x" * 65_536] * 16
    turns = 0

    listening = asyncio.create_task(output.listen(pieces(*megabyte)))
    while not listening.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > len(megabyte)


async def test_who_waits_for_a_line_gets_it_when_it_is_said() -> None:
    output = AgentOutput(())
    waiting = asyncio.create_task(output.since(0, patience=LONG))
    await asyncio.sleep(0)

    output.hear(b"he")
    output.hear(b"llo\n")

    assert (await waiting).lines == ("hello",)


async def test_who_waits_is_told_of_the_end() -> None:
    output = AgentOutput(())
    waiting = asyncio.create_task(output.since(0, patience=LONG))
    await asyncio.sleep(0)

    output.end()

    assert (await waiting).lines == ()


async def test_nobody_waits_for_ever() -> None:
    excerpt = await AgentOutput(()).since(0, patience=timedelta(milliseconds=1))

    assert (excerpt.lines, excerpt.end) == ((), 0)
