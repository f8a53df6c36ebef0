"""Signals through a real NATS server: hints that reach whoever listens."""

import asyncio
from uuid import UUID

import pytest

from shared.bus import NatsBus
from shared.contracts.conversations import MESSAGE_FINISHED, MessageFinished
from shared.ids import new_id

pytestmark = pytest.mark.integration

FINISHED = MessageFinished(message_id=UUID(int=1))


async def _soon(queue: "asyncio.Queue[MessageFinished]") -> MessageFinished:
    async with asyncio.timeout(20):
        return await queue.get()


@pytest.fixture
def heard() -> "asyncio.Queue[MessageFinished]":
    return asyncio.Queue()


async def test_a_signal_is_heard(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    async with gateway.hearing(MESSAGE_FINISHED, heard.put_nowait):
        await runner.signal(MESSAGE_FINISHED, FINISHED, key=FINISHED.message_id)

        assert await _soon(heard) == FINISHED


async def test_a_signal_of_another_key_is_not_heard(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    mine, other = (MessageFinished(message_id=new_id()) for _ in range(2))

    async with gateway.hearing(MESSAGE_FINISHED, heard.put_nowait, key=mine.message_id):
        await runner.signal(MESSAGE_FINISHED, other, key=other.message_id)
        await runner.signal(MESSAGE_FINISHED, mine, key=mine.message_id)

        assert await _soon(heard) == mine
    assert heard.empty()


async def test_a_signal_reaches_everybody_who_listens(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    async with (
        gateway.hearing(MESSAGE_FINISHED, heard.put_nowait),
        gateway.hearing(MESSAGE_FINISHED, heard.put_nowait),
    ):
        await runner.signal(MESSAGE_FINISHED, FINISHED, key="x")

        assert [await _soon(heard), await _soon(heard)] == [FINISHED, FINISHED]


@pytest.mark.parametrize("words", [b"", b"{}", b"\xff", b"null", b'{"message_id": 1}'])
async def test_a_malformed_signal_is_ignored_and_the_next_one_heard(
    gateway: NatsBus,
    runner: NatsBus,
    heard: "asyncio.Queue[MessageFinished]",
    words: bytes,
) -> None:
    async with gateway.hearing(MESSAGE_FINISHED, heard.put_nowait):
        await runner._client.publish(MESSAGE_FINISHED.of("x"), words)
        await runner.signal(MESSAGE_FINISHED, FINISHED, key="x")

        assert await _soon(heard) == FINISHED
    assert heard.empty()


async def test_a_hearer_that_fails_hears_the_next_one(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    bad = MessageFinished(message_id=new_id())

    def hear(signal: MessageFinished) -> None:
        if signal == bad:
            raise KeyError(signal)
        heard.put_nowait(signal)

    async with gateway.hearing(MESSAGE_FINISHED, hear):
        await runner.signal(MESSAGE_FINISHED, bad, key="x")
        await runner.signal(MESSAGE_FINISHED, FINISHED, key="x")

        assert await _soon(heard) == FINISHED


async def test_after_the_block_nothing_is_heard(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    control: asyncio.Queue[MessageFinished] = asyncio.Queue()

    async with gateway.hearing(MESSAGE_FINISHED, control.put_nowait):
        async with gateway.hearing(MESSAGE_FINISHED, heard.put_nowait):
            pass
        await runner.signal(MESSAGE_FINISHED, FINISHED, key="x")
        await _soon(control)

    assert heard.empty()


async def test_hearing_begins_with_the_block(
    gateway: NatsBus, runner: NatsBus, heard: "asyncio.Queue[MessageFinished]"
) -> None:
    for number in range(100):
        signal = MessageFinished(message_id=UUID(int=number))
        async with gateway.hearing(MESSAGE_FINISHED, heard.put_nowait):
            await runner.signal(MESSAGE_FINISHED, signal, key="x")
            assert await _soon(heard) == signal


async def test_a_signal_nobody_hears_or_that_is_too_large_harms_nobody(
    runner: NatsBus,
) -> None:
    class Large(MessageFinished):
        padding: str = "x" * 2_000_000

    await runner.signal(MESSAGE_FINISHED, FINISHED, key="nobody")
    await runner.signal(MESSAGE_FINISHED, Large(message_id=UUID(int=2)), key="x")
    await runner._settled()

    assert runner.is_connected
