"""Replies that are told while they are made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from shared.contracts.agent_runner import RESTART_AGENT, AgentStatus
from shared.contracts.conversations import (
    CANCEL_MESSAGE,
    GET_MESSAGE,
    MESSAGE_CHUNK,
    AgentMessage,
    MessageChunk,
    MessageQuestion,
    MessageStatus,
)

from .runner_house import ACTOR, House, Puppet

pytestmark = pytest.mark.integration


class Told:
    """The chunks of one message, as they are heard."""

    def __init__(self) -> None:
        self.chunks: list[MessageChunk] = []
        self._more = asyncio.Event()

    def hear(self, chunk: MessageChunk) -> None:
        self.chunks.append(chunk)
        self._more.set()

    async def until(self, count: int) -> list[tuple[int, int, str]]:
        async with asyncio.timeout(20):
            while len(self.chunks) < count:
                self._more.clear()
                await self._more.wait()
        return [(each.attempt, each.index, each.text) for each in self.chunks]


async def _lines(*deltas: str) -> AsyncIterator[object]:
    for each in deltas:
        yield {"delta": each}
    yield {"status": "completed", "content": "".join(deltas)}


def _about(house: House, message_id: UUID) -> MessageQuestion:
    return MessageQuestion(org_id=house.org_id, actor=ACTOR, message_id=message_id)


async def _read(house: House, message_id: UUID) -> AgentMessage:
    return await house.bus.ask(GET_MESSAGE, _about(house, message_id))


async def _asked(
    house: House, *, is_streamed: bool = True
) -> tuple[UUID, Puppet, AgentMessage]:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Hello?", is_streamed=is_streamed)
    return agent.id, puppet, accepted


async def test_a_piece_is_told_before_the_next_is_made(house: House) -> None:
    _, puppet, accepted = await _asked(house)
    told = Told()

    async def slowly() -> AsyncIterator[object]:
        for count, each in enumerate(["Hell", "o"], start=1):
            yield {"delta": each}
            await told.until(count)
        yield {"status": "completed", "content": "Hello"}

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        status = await puppet.stream(await puppet.next(), slowly())

    assert status == 204
    assert await told.until(2) == [(1, 0, "Hell"), (1, 1, "o")]
    answered = await _read(house, accepted.message_id)
    assert (answered.status, answered.content) == (MessageStatus.COMPLETED, "Hello")


async def test_a_secret_in_pieces_is_masked(house: House) -> None:
    _, puppet, accepted = await _asked(house)
    key = puppet.launch.environment["OPENAI_API_KEY"]
    told = Told()

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        pieces = ["It is ", key[:5], key[5:9], key[9:] + ", ", "you know."]
        await puppet.stream(await puppet.next(), _lines(*pieces))
        chunks = await told.until(3)

    assert "".join(text for _, _, text in chunks) == "It is [secret], you know."
    content = (await _read(house, accepted.message_id)).content
    assert content == "It is [secret], you know."


async def test_a_second_delivery_is_another_attempt(house: House) -> None:
    agent_id, puppet, accepted = await _asked(house)
    told = Told()

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        message = await puppet.next()

        async def broken_off() -> AsyncIterator[object]:
            yield {"delta": "Hell"}
            await told.until(1)
            await house.bus.ask(RESTART_AGENT, house.question(agent_id))
            yield {"delta": "o"}

        await puppet.stream(message, broken_off())
        second = await house.launched()
        await second.speak()
        await house.until(agent_id, AgentStatus.RUNNING)
        await second.stream(await second.next(), _lines("Good day"))
        chunks = await told.until(2)

    assert chunks[0] == (1, 0, "Hell")
    assert chunks[-1] == (2, 0, "Good day")


async def test_a_reply_that_is_told_again_leaves_out_an_index(house: House) -> None:
    _, puppet, accepted = await _asked(house)
    told = Told()

    async def broken_off() -> AsyncIterator[object]:
        yield {"delta": "Hell"}
        await told.until(1)
        raise ConnectionResetError

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        message = await puppet.next()
        with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
            await puppet.stream(message, broken_off())
        assert await puppet.stream(message, _lines("Hello")) == 204
        chunks = await told.until(2)

    assert chunks == [(1, 0, "Hell"), (1, 2, "Hello")]


async def test_what_nobody_reads_along_is_not_told(house: House) -> None:
    _, puppet, accepted = await _asked(house, is_streamed=False)
    told = Told()

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        status = await puppet.stream(await puppet.next(), _lines("Hell", "o"))
        again = await house.submit(accepted.agent_id, "Again", is_streamed=True)
        async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=again.message_id):
            await puppet.stream(await puppet.next(), _lines("Hi"))
            await told.until(1)

    assert status == 204
    assert {each.message_id for each in told.chunks} == {again.message_id}
    assert (await _read(house, accepted.message_id)).content == "Hello"


async def test_a_piece_too_long_for_the_bus_is_told_in_several(house: House) -> None:
    _, puppet, accepted = await _asked(house)
    told = Told()
    long = "ä€𝄞" * 20_000

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        await puppet.stream(await puppet.next(), _lines(long))
        chunks = await told.until(4)

    assert "".join(text for _, _, text in chunks) == long
    assert [index for _, index, _ in chunks] == [0, 1, 2, 3]


async def test_the_answer_to_a_cancelled_message_is_cut_short(house: House) -> None:
    _, puppet, accepted = await _asked(house)
    told = Told()

    async def endless() -> AsyncIterator[object]:
        yield {"delta": "Hell"}
        await told.until(1)
        await house.bus.ask(CANCEL_MESSAGE, _about(house, accepted.message_id))
        while True:
            yield {"delta": "o"}
            await asyncio.sleep(0.01)

    async with house.bus.hearing(MESSAGE_CHUNK, told.hear, key=accepted.message_id):
        async with asyncio.timeout(20):
            status = await puppet.stream(await puppet.next(), endless())

    assert status == 409
    cancelled = await _read(house, accepted.message_id)
    assert (cancelled.status, cancelled.content) == (MessageStatus.CANCELLED, None)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"delta": "Hello"}],
        [{"status": "completed", "content": "x"}, {"delta": "y"}],
        [{"delta": 5}, ["?"]],
    ],
)
async def test_a_reply_that_does_not_end_as_one_is_none(
    house: House, lines: list[Any]
) -> None:
    _, puppet, accepted = await _asked(house)
    message = await puppet.next()

    async def given() -> AsyncIterator[object]:
        for line in lines:
            yield line

    assert await puppet.stream(message, given()) == 422
    assert await puppet.reply(message, "Hello") == 204
    assert (await _read(house, accepted.message_id)).content == "Hello"


async def test_a_reply_without_an_end_is_refused_at_a_limit(house: House) -> None:
    _, puppet, _ = await _asked(house)
    message = await puppet.next()

    async def endless() -> AsyncIterator[object]:
        while True:
            yield {"delta": "x" * 100_000}

    async with asyncio.timeout(30):
        with suppress(aiohttp.ClientError):  # closed while we were still sending
            assert await puppet.stream(message, endless()) == 413

    assert await puppet.reply(message, "Hello") == 204
