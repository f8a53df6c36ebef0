"""Replies as server-sent events, as a caller over HTTP gets them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from ag2trust.waiting import until
from gateway.event_stream import CallerGoneError, EventStream
from shared.bus import answer
from shared.contracts.conversations import (
    ASK_AGENT_TYPE,
    GET_MESSAGE,
    MESSAGE_CHUNK,
    MESSAGE_FINISHED,
    SUBMIT_MESSAGE,
    AgentMessage,
    AskAgentType,
    MessageChunk,
    MessageFinished,
    MessageQuestion,
    MessageStatus,
    SubmitMessage,
)
from shared.errors import AgentNotRunningError
from shared.testing import FakeBus

from .fakes import Neighbours
from .objects import SOME_ID, message

ONE = f"/api/agents/{SOME_ID}/messages"
STREAMED = {"content": "Hi", "stream": True}


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: dict[str, Any]


class Runner:
    """Keeps the one message, and says what the test has it say."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus
        self._index = 0
        self.message_id: UUID = SOME_ID
        self.status = MessageStatus.QUEUED
        self.content: str | None = None
        self.submitted = asyncio.Event()
        bus.serve(
            answer(SUBMIT_MESSAGE, self._accept),
            answer(ASK_AGENT_TYPE, self._accept_for_type),
            answer(GET_MESSAGE, self._tell),
        )

    async def say(
        self, text: str, *, attempt: int = 1, index: int | None = None
    ) -> None:
        if index is not None:
            self._index = index
        chunk = MessageChunk(
            message_id=self.message_id, attempt=attempt, index=self._index, text=text
        )
        self._index += 1
        await self._bus.signal(MESSAGE_CHUNK, chunk, key=self.message_id)

    async def finish(self, status: MessageStatus, content: str | None = None) -> None:
        self.status, self.content = status, content
        finished = MessageFinished(message_id=self.message_id)
        await self._bus.signal(MESSAGE_FINISHED, finished, key=self.message_id)

    async def _accept(self, question: SubmitMessage) -> AgentMessage:
        return self._accepted(question.message_id, is_streamed=question.is_streamed)

    async def _accept_for_type(self, question: AskAgentType) -> AgentMessage:
        return self._accepted(question.message_id, is_streamed=question.is_streamed)

    def _accepted(self, message_id: UUID, *, is_streamed: bool) -> AgentMessage:
        assert is_streamed
        self.message_id = message_id
        self.submitted.set()
        return message(self.status, message_id=message_id)

    async def _tell(self, _: MessageQuestion) -> AgentMessage:
        return message(self.status, content=self.content, message_id=self.message_id)


@pytest.fixture
def runner(bus: FakeBus) -> Runner:
    return Runner(bus)


async def events_of(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    name = ""
    async for line in response.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield Event(name, json.loads(value))


async def test_a_reply_is_told_as_it_is_made_and_whole_in_the_end(
    client: aiohttp.ClientSession, runner: Runner
) -> None:
    async with asyncio.timeout(20), client.post(ONE, json=STREAMED) as response:
        events = events_of(response)
        await runner.say("Hell")
        first = await anext(events)
        await runner.say("o")
        second = await anext(events)
        await runner.finish(MessageStatus.COMPLETED, "Hello")
        rest = [event async for event in events]

    assert response.status == 200
    assert response.content_type == "text/event-stream"
    assert response.headers["X-Request-Id"]
    assert response.headers["X-Ag2trust-Message-Id"] == str(runner.message_id)
    assert response.headers["X-Ag2trust-Thread-Id"] == str(runner.message_id)
    assert [first, second] == [
        Event("delta", {"content": "Hell"}),
        Event("delta", {"content": "o"}),
    ]
    assert [each.name for each in rest] == ["completed"]
    assert rest[0].data["content"] == "Hello"
    assert rest[0].data["message_id"] == str(runner.message_id)


async def test_a_type_is_asked_with_a_stream_too(
    client: aiohttp.ClientSession, runner: Runner
) -> None:
    async with (
        asyncio.timeout(20),
        client.post("/api/ask/support", json=STREAMED) as response,
    ):
        await runner.say("Hello")
        await runner.finish(MessageStatus.COMPLETED, "Hello")
        events = [event async for event in events_of(response)]

    assert [each.name for each in events] == ["delta", "completed"]


async def test_a_new_attempt_restarts_the_reply(
    client: aiohttp.ClientSession, runner: Runner
) -> None:
    async with asyncio.timeout(20), client.post(ONE, json=STREAMED) as response:
        await runner.say("Hell")
        await runner.say("Good day", attempt=2, index=0)
        await runner.finish(MessageStatus.COMPLETED, "Good day")
        events = [event async for event in events_of(response)]

    assert [each.name for each in events] == ["delta", "restart", "delta", "completed"]


@pytest.mark.parametrize(
    "status",
    [MessageStatus.FAILED, MessageStatus.ACKNOWLEDGED, MessageStatus.CANCELLED],
)
async def test_a_message_without_an_answer_ends_as_failed(
    client: aiohttp.ClientSession, runner: Runner, status: MessageStatus
) -> None:
    async with asyncio.timeout(20), client.post(ONE, json=STREAMED) as response:
        await runner.finish(status)
        events = [event async for event in events_of(response)]

    assert [(each.name, each.data["status"]) for each in events] == [
        ("failed", str(status))
    ]


async def test_out_of_time_the_message_is_told_as_it_is(
    client: aiohttp.ClientSession, runner: Runner
) -> None:
    body = STREAMED | {"timeout_seconds": 1}

    async with asyncio.timeout(20), client.post(ONE, json=body) as response:
        runner.status = MessageStatus.RUNNING
        events = [event async for event in events_of(response)]

    assert [(each.name, each.data["status"]) for each in events] == [
        ("pending", "running")
    ]


async def test_what_is_refused_is_refused_as_ever(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(SUBMIT_MESSAGE, AgentNotRunningError("The agent is stopped."))

    async with client.post(ONE, json=STREAMED) as response:
        assert response.status == 409
        assert (await response.json())["error_code"] == "AGENT_NOT_RUNNING"


async def test_a_stream_that_nobody_waits_for_makes_no_sense(
    client: aiohttp.ClientSession, neighbours: Neighbours
) -> None:
    async with client.post(ONE, json=STREAMED | {"wait": False}) as response:
        assert response.status == 422
        told = await response.json()

    assert told["details"]["fields"][0]["message"].endswith("is waited for")
    assert not neighbours.asked


async def test_a_caller_that_leaves_is_not_written_to_any_more(
    client: aiohttp.ClientSession, bus: FakeBus, runner: Runner
) -> None:
    async with asyncio.timeout(20), client.post(ONE, json=STREAMED) as response:
        await runner.say("Hell")
        await anext(events_of(response))
        response.close()

    await until(
        "nobody who hears", lambda: runner.say("o" * 1000), lambda _: not bus.hearers
    )

    assert runner.status is MessageStatus.QUEUED


async def test_a_gateway_that_closes_ends_its_streams(
    app: web.Application, client: aiohttp.ClientSession, runner: Runner
) -> None:
    async with asyncio.timeout(20), client.post(ONE, json=STREAMED) as response:
        await app.shutdown()
        events = [event async for event in events_of(response)]

    assert [each.name for each in events] == ["pending"]
    assert runner.submitted.is_set()


@dataclass
class Stage:
    """What a handler of a bare application does with its event stream."""

    ping_every: timedelta = timedelta(hours=1)
    read_within: timedelta = timedelta(hours=1)
    gone: bool = False

    async def send_much(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        stream = EventStream(
            request,
            response,
            ping_every=self.ping_every,
            read_within=self.read_within,
        )
        await stream.open()
        await stream.keep_alive()
        try:
            for _ in range(1000):
                await stream.send("delta", "x" * 100_000)
        except CallerGoneError:
            self.gone = True
            stream.abort()
        return response


async def _served(stage: Stage, read: int) -> bytes:
    """Read so many bytes of what *stage* sends, then nothing until it ends."""
    app = web.Application()
    app.router.add_get("/", stage.send_much)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", runner.addresses[0][1], limit=1024
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        beginning = await reader.readexactly(read)
        if read < 1000:
            await until("a caller that is gone", lambda: stage.gone)
        writer.close()
    finally:
        await runner.cleanup()
    return beginning


async def test_a_quiet_stream_is_kept_alive() -> None:
    beginning = await _served(Stage(ping_every=timedelta(0)), 1000)

    assert b": ping\n\n" in beginning


async def test_a_stream_that_was_just_written_to_needs_no_ping() -> None:
    assert b": ping" not in await _served(Stage(), 1000)


async def test_a_reader_that_does_not_read_is_given_up() -> None:
    stage = Stage(read_within=timedelta(milliseconds=100))

    async with asyncio.timeout(30):
        await _served(stage, 10)

    assert stage.gone
