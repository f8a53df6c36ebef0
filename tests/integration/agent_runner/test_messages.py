import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import aiohttp
import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import LIST_AGENTS, RESTART_AGENT, AgentStatus
from shared.contracts.base import PageQuestion
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
from shared.errors import (
    AgentNotFoundError,
    MessageNotFoundError,
    MessageTooLongError,
    ThreadNotFoundError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_house

pytestmark = pytest.mark.integration


async def read(house: House, message_id: UUID) -> AgentMessage:
    return await house.bus.ask(
        GET_MESSAGE,
        MessageQuestion(org_id=house.org_id, actor=ACTOR, message_id=message_id),
    )


async def test_a_message_has_one_answer_and_says_so(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Hello?")
    finished = asyncio.Event()

    async with house.bus.hearing(
        MESSAGE_FINISHED, lambda _: finished.set(), key=accepted.message_id
    ):
        message = await puppet.next()
        assert await puppet.reply(message, "Hello!") == 204
        async with asyncio.timeout(20):
            await finished.wait()

    answered = await read(house, accepted.message_id)
    assert accepted.status is MessageStatus.QUEUED
    assert answered.status is MessageStatus.COMPLETED
    assert answered.content == "Hello!"
    assert answered.duration_ms is not None
    assert await puppet.reply(message, "Another answer") == 409
    assert (await read(house, accepted.message_id)).content == "Hello!"


async def test_an_agent_that_waits_is_woken_by_a_message(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(puppet.next(wait_seconds=20))
        accepted = await house.submit(agent.id, "Wake up")

    assert waiting.result()["message_id"] == str(accepted.message_id)


async def test_without_messages_the_wait_ends_empty(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)

    assert await puppet.next(wait_seconds=0.2) is None


async def test_a_message_in_hand_is_repeated_until_it_is_answered(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "One")
    await house.submit(agent.id, "Two")

    told = [(await puppet.next())["message_id"] for _ in range(2)]

    assert told == [str(first.message_id)] * 2


async def test_an_agent_that_asks_many_times_at_once_has_one_message_in_hand(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    for content in ("One", "Two", "Three"):
        await house.submit(agent.id, content)

    told = await asyncio.gather(*(puppet.next() for _ in range(8)))

    assert [each["content"] for each in told] == ["One"] * 8


async def test_a_thread_is_answered_in_order_with_its_history(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "My name is Ada.")
    await house.submit(agent.id, "What is it?", first.thread_id)

    await puppet.reply(await puppet.next(), "Noted.")
    second = await puppet.next()

    assert second["content"] == "What is it?"
    assert second["history"] == [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Noted."},
    ]


async def test_what_a_restarted_agent_had_in_hand_is_asked_again(house: House) -> None:
    agent = await house.make_agent()
    first = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Survive this")
    before = await first.next()

    await house.bus.ask(RESTART_AGENT, house.question(agent.id))
    second = await house.launched()
    await second.speak()
    await house.until(agent.id, AgentStatus.RUNNING)
    after = await second.next()

    assert before["attempt"] == 1
    assert after["message_id"] == str(accepted.message_id)
    assert after["attempt"] == 2
    assert await first.reply(before, "From the grave") == 401
    assert await second.reply(after, "Survived") == 204


class PatientRuntime(FakeRuntime):
    """Lets an agent that is told to end within a while go on until it is *released*."""

    def __init__(self) -> None:
        super().__init__()
        self.told_to_end = asyncio.Event()
        self.released = asyncio.Event()

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        if grace:
            self.told_to_end.set()
            await self.released.wait()
        await super().stop(agent_id, grace=grace)


async def test_an_agent_that_is_restarted_may_finish_what_it_has_in_hand(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = PatientRuntime()
    async with open_house(stack, bus_as, runtime) as house:
        agent = await house.make_agent()
        puppet = await house.start(agent.id)
        accepted = await house.submit(agent.id, "Take your time")
        message = await puppet.next()

        await house.bus.ask(RESTART_AGENT, house.question(agent.id))
        async with asyncio.timeout(20):
            await runtime.told_to_end.wait()
        status = await puppet.reply(message, "Just in time")
        runtime.released.set()
        await house.launched()
        answered = await read(house, accepted.message_id)

    assert status == 204
    assert (answered.content, answered.attempts) == ("Just in time", 1)


async def test_a_failure_is_an_answer_with_its_explanation(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Fail, please")
    message = await puppet.next()

    status, _ = await puppet.post(
        f"messages/{message['message_id']}/reply",
        {
            "status": "failed",
            "error": {"code": "RateLimitError", "message": "Too many requests."},
        },
    )

    answered = await read(house, accepted.message_id)
    assert status == 204
    assert answered.status is MessageStatus.FAILED
    assert answered.explanation is not None
    assert answered.explanation.provider_error == "RateLimitError"


async def test_of_two_replies_at_once_the_first_ends_and_the_second_counts(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Are you there?")
    message = await puppet.next()
    is_read, never = asyncio.Event(), asyncio.Event()

    async def unended() -> AsyncIterator[object]:
        yield {"delta": "I am "}
        is_read.set()
        await never.wait()

    given_up = asyncio.create_task(puppet.stream(message, unended()))
    await is_read.wait()
    status = await puppet.reply(message, "I am.")

    with suppress(aiohttp.ClientError):
        await given_up
    assert status == 204
    assert (await read(house, accepted.message_id)).content == "I am."


async def test_secrets_in_an_answer_are_masked(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "What is your key?")
    key = puppet.launch.environment["OPENAI_API_KEY"]

    await puppet.reply(await puppet.next(), f"It is {key}.")

    content = (await read(house, accepted.message_id)).content
    assert content == "It is [secret]."


async def test_secrets_in_a_failure_are_masked(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Fail, please")
    key = puppet.launch.environment["OPENAI_API_KEY"]
    message = await puppet.next()

    await puppet.post(
        f"messages/{message['message_id']}/reply",
        {"status": "failed", "error": {"code": key, "message": f"No {key}."}},
    )

    explanation = (await read(house, accepted.message_id)).explanation
    assert explanation is not None
    assert explanation.provider_error == "[secret]"
    assert explanation.message == "No [secret]."


async def test_what_cannot_be_stored_is_replaced(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Say nul")

    assert await puppet.reply(await puppet.next(), "a\0b") == 204

    assert (await read(house, accepted.message_id)).content == "a\ufffdb"


async def test_a_message_submitted_twice_is_one_message(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    question = SubmitMessage(
        org_id=house.org_id,
        actor=ACTOR,
        message_id=new_id(),
        agent_id=agent.id,
        content="Once",
    )

    accepted = [await house.bus.ask(SUBMIT_MESSAGE, question) for _ in range(2)]

    assert accepted[0] == accepted[1]
    await puppet.reply(await puppet.next(), "Once.")
    assert await puppet.next(wait_seconds=0.2) is None


async def test_a_foreign_thread_is_not_found(house: House) -> None:
    ada, bob = await house.make_agent("ada"), await house.make_agent("bob")
    await house.start(ada.id)
    await house.start(bob.id)
    message = await house.submit(ada.id, "Hello?")

    with pytest.raises(ThreadNotFoundError):
        await house.submit(bob.id, "What did they say?", message.thread_id)


async def test_a_message_that_is_too_long_is_refused(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)

    with pytest.raises(MessageTooLongError, match="10000"):
        await house.submit(agent.id, "a" * 10_001)


async def test_another_organization_finds_nothing(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    message = await house.submit(agent.id, "Ours")
    house.org_id = new_id()

    with pytest.raises(MessageNotFoundError):
        await read(house, message.message_id)
    with pytest.raises(AgentNotFoundError):
        await house.submit(agent.id, "Yours?")
    page = await house.bus.ask(
        LIST_AGENTS, PageQuestion(org_id=house.org_id, actor=ACTOR)
    )
    assert page.data == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (
            "messages/nonsense/reply",
            {"status": "completed"},
            409,
            "MESSAGE_NOT_IN_HAND",
        ),
        (
            f"messages/{UUID(int=1)}/reply",
            {"status": "completed"},
            409,
            "MESSAGE_NOT_IN_HAND",
        ),
    ],
)
async def test_a_mistaken_agent_is_told_so(
    house: House, path: str, body: object, status: int, code: str
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)

    told = await puppet.post(path, body)

    assert told[0] == status
    assert told[1]["error_code"] == code


async def test_what_is_no_answer_is_refused_and_the_message_stays_in_hand(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    await house.submit(agent.id, "Hello?")
    message = await puppet.next()
    path = f"messages/{message['message_id']}/reply"

    unknown = await puppet.post(path, {"status": "done"})
    too_long = await puppet.post(
        path, {"status": "completed", "content": "\0" * 100_000}
    )

    assert (unknown[0], unknown[1]["error_code"]) == (422, "VALIDATION_FAILED")
    assert (too_long[0], too_long[1]["error"]) == (422, "The reply is too long.")
    assert await puppet.reply(message, "Hello!") == 204


async def test_an_answer_is_measured_in_bytes(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    await house.submit(agent.id, "Hello?")
    message = await puppet.next()

    async def said() -> AsyncIterator[object]:
        yield {"status": "completed", "content": "語" * 400_000}

    assert await puppet.stream(message, said()) == 422
    assert await puppet.reply(message, "Hello!") == 204


async def test_a_tool_that_the_type_does_not_have_is_refused(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Look it up")
    _, told = await puppet.get("configuration")
    await puppet.next()

    in_hand = {"message_id": str(accepted.message_id), "arguments": {"url": "x"}}
    refused = await puppet.post("tools/http_request", in_hand)
    idle = await puppet.post("tools/http_request", {"message_id": str(new_id())})

    assert told["tools"] == []
    assert (refused[0], refused[1]["error_code"]) == (404, "TOOL_NOT_FOUND")
    assert (idle[0], idle[1]["error_code"]) == (409, "MESSAGE_NOT_IN_HAND")


async def test_a_hundred_messages_are_each_answered_once(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    heard: list[MessageFinished] = []

    async with house.bus.hearing(MESSAGE_FINISHED, heard.append):
        accepted = await asyncio.gather(
            *(house.submit(agent.id, f"Number {n}") for n in range(100))
        )
        for _ in accepted:
            message = await puppet.next()
            assert await puppet.reply(message, message["content"]) == 204

        async def finished() -> set[UUID]:
            return {each.message_id for each in heard}

        await house.holds(finished, {each.message_id for each in accepted})

    answers = [(await read(house, each.message_id)).content for each in accepted]
    assert sorted(answers, key=str) == sorted(f"Number {n}" for n in range(100))
    assert len(heard) == len(accepted)
