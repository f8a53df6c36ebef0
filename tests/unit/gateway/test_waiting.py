import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from gateway.waiting import Submission, WaitingRoom
from shared.bus import answer
from shared.contracts.base import Actor, MessageT, Signal
from shared.contracts.conversations import (
    GET_MESSAGE,
    MESSAGE_FINISHED,
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageFinished,
    MessageQuestion,
    MessageStatus,
    SubmitMessage,
)
from shared.errors import UnavailableError
from shared.http_server import listening
from shared.ids import new_id
from shared.testing import FakeBus

from .conftest import OWNER_KEY
from .objects import ORGANIZATION, SOME_ID, message

LONG = timedelta(hours=1)
NEVER = timedelta(hours=1)
AT_ONCE = timedelta(0)


class Runner:
    """Keeps the one message; tells when it was asked for it."""

    def __init__(self, bus: FakeBus) -> None:
        self.bus = bus
        self.status = MessageStatus.QUEUED
        self.looks = 0
        self.submitted = asyncio.Event()
        self.on_submit: Callable[[], Awaitable[None]] | None = None
        self.on_look: Callable[[], None] | None = None
        bus.serve(answer(SUBMIT_MESSAGE, self.submit), answer(GET_MESSAGE, self.tell))

    async def submit(self, question: SubmitMessage) -> AgentMessage:
        self.message_id = question.message_id
        accepted = message(self.status, message_id=question.message_id)
        if self.on_submit:
            await self.on_submit()
        self.submitted.set()
        return accepted

    async def tell(self, question: MessageQuestion) -> AgentMessage:
        self.looks += 1
        if self.on_look:
            self.on_look()
        return message(self.status, message_id=question.message_id)

    async def finish(self) -> None:
        self.status = MessageStatus.COMPLETED
        finished = MessageFinished(message_id=self.message_id)
        await self.bus.signal(MESSAGE_FINISHED, finished, key=self.message_id)


class QuietBus(FakeBus):
    """Tells when somebody has stopped hearing."""

    def __init__(self) -> None:
        super().__init__()
        self.silence = asyncio.Event()

    @asynccontextmanager
    async def hearing(
        self,
        signal: Signal[MessageT],
        heard: Callable[[MessageT], None],
        *,
        key: object = "*",
    ) -> AsyncIterator[None]:
        async with super().hearing(signal, heard, key=key):
            yield
        self.silence.set()


@pytest.fixture
def bus() -> QuietBus:
    return QuietBus()


@pytest.fixture
def runner(bus: FakeBus) -> Runner:
    return Runner(bus)


def submission() -> Submission[SubmitMessage]:
    question = SubmitMessage(
        org_id=ORGANIZATION,
        actor=Actor(kind="api_key", id="1"),
        message_id=new_id(),
        agent_id=SOME_ID,
        content="Hi",
    )
    return Submission(SUBMIT_MESSAGE, question)


def nobody_left() -> bool:
    return False


async def test_a_signal_ends_the_wait(bus: FakeBus, runner: Runner) -> None:
    room = WaitingRoom(bus, look_every=NEVER)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(
            room.submit_and_wait(submission(), patience=LONG, is_abandoned=nobody_left)
        )
        await runner.submitted.wait()
        [(subject, _)] = bus.hearers
        await runner.finish()

    assert subject == MESSAGE_FINISHED.of(runner.message_id)
    assert waiting.result().status is MessageStatus.COMPLETED
    assert runner.looks == 1
    assert bus.hearers == []


async def test_a_signal_before_the_submission_returns_is_heard(
    bus: FakeBus, runner: Runner
) -> None:
    room = WaitingRoom(bus, look_every=NEVER)
    runner.on_submit = runner.finish

    async with asyncio.timeout(20):
        answered = await room.submit_and_wait(
            submission(), patience=LONG, is_abandoned=nobody_left
        )

    assert answered.status is MessageStatus.COMPLETED


async def test_a_lost_signal_is_found_by_looking(bus: FakeBus, runner: Runner) -> None:
    room = WaitingRoom(bus, look_every=AT_ONCE)

    def finish_unheard() -> None:
        if runner.looks == 3:
            runner.status = MessageStatus.COMPLETED

    runner.on_look = finish_unheard

    async with asyncio.timeout(20):
        answered = await room.submit_and_wait(
            submission(), patience=LONG, is_abandoned=nobody_left
        )

    assert answered.status is MessageStatus.COMPLETED
    assert runner.looks == 3


async def test_a_runner_that_is_away_for_a_while_does_not_end_the_wait(
    bus: FakeBus, runner: Runner
) -> None:
    room = WaitingRoom(bus, look_every=AT_ONCE)

    def be_away_once() -> None:
        if runner.looks == 1:
            raise UnavailableError("The runner is away.")
        runner.status = MessageStatus.COMPLETED

    runner.on_look = be_away_once

    async with asyncio.timeout(20):
        answered = await room.submit_and_wait(
            submission(), patience=LONG, is_abandoned=nobody_left
        )

    assert answered.status is MessageStatus.COMPLETED


async def test_out_of_patience_the_message_is_told_as_it_is_now(
    bus: FakeBus, runner: Runner
) -> None:
    room = WaitingRoom(bus, look_every=NEVER)

    def be_running() -> None:
        runner.status = MessageStatus.RUNNING

    runner.on_look = be_running

    answered = await room.submit_and_wait(
        submission(), patience=timedelta(milliseconds=250), is_abandoned=nobody_left
    )

    assert answered.status is MessageStatus.RUNNING
    assert runner.looks == 1
    assert bus.hearers == []


async def test_who_has_left_is_not_waited_for(bus: FakeBus, runner: Runner) -> None:
    room = WaitingRoom(bus, look_every=AT_ONCE)

    async with asyncio.timeout(20):
        await room.submit_and_wait(
            submission(), patience=LONG, is_abandoned=lambda: runner.looks == 2
        )

    assert runner.looks == 2


async def test_a_closed_room_sends_everybody_home(bus: FakeBus, runner: Runner) -> None:
    room = WaitingRoom(bus, look_every=NEVER)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(
            room.submit_and_wait(submission(), patience=LONG, is_abandoned=nobody_left)
        )
        await runner.submitted.wait()
        room.close()

    assert waiting.result().status is MessageStatus.QUEUED
    assert bus.hearers == []


async def test_nobody_waits_in_a_closed_room(bus: FakeBus, runner: Runner) -> None:
    room = WaitingRoom(bus, look_every=NEVER)
    room.close()

    async with asyncio.timeout(20):
        answered = await room.submit_and_wait(
            submission(), patience=LONG, is_abandoned=nobody_left
        )

    assert answered.status is MessageStatus.QUEUED
    assert runner.submitted.is_set()


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve as the process does, not as aiohttp's test server would."""
    async with (
        listening(app, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"X-API-Key": OWNER_KEY}
        ) as session,
    ):
        yield session


async def test_out_of_time_is_202_with_the_message(
    app: web.Application, runner: Runner
) -> None:
    body = {"content": "Hi", "timeout_seconds": 1}

    async with (
        served(app) as session,
        session.post(f"/api/agents/{SOME_ID}/messages", json=body) as response,
    ):
        told = await response.json()

    assert response.status == 202
    assert told["status"] == "queued"
    assert told["message_id"] == str(runner.message_id)


async def test_a_caller_who_leaves_ends_the_waiting_and_not_the_message(
    app: web.Application, bus: QuietBus, runner: Runner
) -> None:
    async with asyncio.timeout(20), served(app) as session:
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(post(session))
            await runner.submitted.wait()
            caller.cancel()
        await bus.silence.wait()

    assert runner.looks == 1
    assert runner.status is MessageStatus.QUEUED


async def test_a_gateway_that_closes_answers_those_who_wait(
    app: web.Application, runner: Runner
) -> None:
    async with (
        asyncio.timeout(20),
        served(app) as session,
        asyncio.TaskGroup() as group,
    ):
        caller = group.create_task(post(session))
        await runner.submitted.wait()
        await app.shutdown()

    assert caller.result() == 202


async def post(session: aiohttp.ClientSession) -> int:
    url = f"/api/agents/{SOME_ID}/messages"
    async with session.post(url, json={"content": "Hi"}) as response:
        return response.status
