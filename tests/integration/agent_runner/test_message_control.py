"""What happens to messages after they were accepted: cancelled, lost, sent again."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import (
    DELETE_AGENT,
    RESTART_AGENT,
    STOP_AGENT,
    AgentStatus,
)
from shared.contracts.base import PageQuestion
from shared.contracts.conversations import (
    CANCEL_MESSAGE,
    GET_MESSAGE,
    LIST_DEAD_LETTERS,
    MESSAGE_FINISHED,
    REPLAY_DEAD_LETTER,
    RETRY_MESSAGE,
    AgentMessage,
    DeadLetter,
    MessageQuestion,
    MessageStatus,
)
from shared.errors import (
    AgentNotRunningError,
    DeadLetterNotFoundError,
    MessageFinalError,
    MessageNotFoundError,
)
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, BRISK, House, Puppet, open_house

pytestmark = pytest.mark.integration


@pytest.fixture
async def house(stack: Stack, bus_as: BusAs) -> AsyncIterator[House]:
    async with open_house(stack, bus_as, FakeRuntime(), rhythm=BRISK) as opened:
        yield opened


def _about(house: House, message_id: UUID) -> MessageQuestion:
    return MessageQuestion(org_id=house.org_id, actor=ACTOR, message_id=message_id)


async def _read(house: House, message_id: UUID) -> AgentMessage:
    return await house.bus.ask(GET_MESSAGE, _about(house, message_id))


async def _dead_letters(house: House) -> list[DeadLetter]:
    question = PageQuestion(org_id=house.org_id, actor=ACTOR)
    return (await house.bus.ask(LIST_DEAD_LETTERS, question)).data


async def _reborn(house: House) -> Puppet:
    puppet = await house.launched()
    await puppet.speak()
    return puppet


async def _kill_with(house: House, agent_id: UUID, times: int, puppet: Puppet) -> None:
    """Let an agent die *times* times with its next message in hand."""
    for _ in range(times):
        assert await puppet.next() is not None
        await house.runtime.die(agent_id)
        puppet = await _reborn(house)
        await house.until(agent_id, AgentStatus.RUNNING)


async def test_a_waiting_message_that_is_cancelled_is_never_delivered(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "One")
    second = await house.submit(agent.id, "Two", first.thread_id)
    third = await house.submit(agent.id, "Three", first.thread_id)

    cancelled = await house.bus.ask(CANCEL_MESSAGE, _about(house, second.message_id))

    assert cancelled.status is MessageStatus.CANCELLED
    assert cancelled.finished_at is not None
    await puppet.reply(await puppet.next(), "1")
    assert (await puppet.next())["message_id"] == str(third.message_id)


async def test_whoever_waits_hears_of_a_cancellation(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "Hello?")
    heard = asyncio.Event()

    async with house.bus.hearing(
        MESSAGE_FINISHED, lambda _: heard.set(), key=accepted.message_id
    ):
        await house.bus.ask(CANCEL_MESSAGE, _about(house, accepted.message_id))
        async with asyncio.timeout(20):
            await heard.wait()


async def test_the_answer_to_a_cancelled_message_is_not_heard_and_the_next_follows(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "One")
    second = await house.submit(agent.id, "Two", first.thread_id)
    in_hand = await puppet.next()

    await house.bus.ask(CANCEL_MESSAGE, _about(house, first.message_id))

    assert await puppet.reply(in_hand, "Too late") == 409
    assert (await puppet.next())["message_id"] == str(second.message_id)
    cancelled = await _read(house, first.message_id)
    assert (cancelled.status, cancelled.content) == (MessageStatus.CANCELLED, None)


async def test_an_agent_is_told_that_its_message_was_cancelled(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "One")
    await puppet.next()

    async def in_hand() -> str | None:
        _, heard = await puppet.post("heartbeat", None)
        told: str | None = heard["message_id"]
        return told

    before = await in_hand()
    await house.bus.ask(CANCEL_MESSAGE, _about(house, accepted.message_id))

    assert before == str(accepted.message_id)
    await house.holds(in_hand, None)


async def test_cancelling_twice_changes_nothing_and_an_answer_cannot_be_cancelled(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    cancelled, answered = [await house.submit(agent.id, each) for each in "ab"]
    await house.bus.ask(CANCEL_MESSAGE, _about(house, cancelled.message_id))
    once = await _read(house, cancelled.message_id)
    await puppet.reply(await puppet.next(), "Done")

    again = await house.bus.ask(CANCEL_MESSAGE, _about(house, cancelled.message_id))
    with pytest.raises(MessageFinalError, match="completed"):
        await house.bus.ask(CANCEL_MESSAGE, _about(house, answered.message_id))

    assert again == once


async def test_a_retry_sends_a_message_again_at_the_end_of_its_thread(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "One")
    await house.submit(agent.id, "Two", first.thread_id)
    await house.bus.ask(CANCEL_MESSAGE, _about(house, first.message_id))

    retried = await house.bus.ask(RETRY_MESSAGE, _about(house, first.message_id))

    assert retried.status is MessageStatus.QUEUED
    assert retried.finished_at is None
    await puppet.reply(await puppet.next(), "2")
    again = await puppet.next()
    assert again["content"] == "One"
    assert [each["content"] for each in again["history"]] == ["Two", "2"]
    await puppet.reply(again, "1")
    assert (await _read(house, first.message_id)).content == "1"


async def test_a_late_answer_to_the_first_try_is_none_to_the_second(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "One")
    first_try = await puppet.next()
    await house.bus.ask(CANCEL_MESSAGE, _about(house, accepted.message_id))
    await house.bus.ask(RETRY_MESSAGE, _about(house, accepted.message_id))

    late = await puppet.reply(first_try, "Too late")

    assert late == 409
    second_try = await puppet.next()
    assert second_try["attempt"] == 2
    assert await puppet.reply(second_try, "In time") == 204
    assert (await _read(house, accepted.message_id)).content == "In time"


async def test_an_answered_message_is_not_sent_again(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "One")
    await puppet.reply(await puppet.next(), "1")

    with pytest.raises(MessageFinalError):
        await house.bus.ask(RETRY_MESSAGE, _about(house, accepted.message_id))


async def test_a_retry_needs_an_agent_that_is_to_run(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "One")
    await house.bus.ask(CANCEL_MESSAGE, _about(house, accepted.message_id))
    await house.bus.ask(STOP_AGENT, house.question(agent.id))

    with pytest.raises(AgentNotRunningError):
        await house.bus.ask(RETRY_MESSAGE, _about(house, accepted.message_id))

    message = await _read(house, accepted.message_id)
    assert message.status is MessageStatus.CANCELLED


async def test_what_another_organization_sent_cannot_be_touched(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "Ours")
    house.org_id = new_id()

    for endpoint in (CANCEL_MESSAGE, RETRY_MESSAGE):
        with pytest.raises(MessageNotFoundError):
            await house.bus.ask(endpoint, _about(house, accepted.message_id))


async def test_a_message_that_ends_its_agent_three_times_is_a_dead_letter(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    deadly = await house.submit(agent.id, "Drop dead")
    await house.submit(agent.id, "Hello?", deadly.thread_id)

    await _kill_with(house, agent.id, 3, puppet)

    failed = await _read(house, deadly.message_id)
    [letter] = await _dead_letters(house)
    assert failed.status is MessageStatus.FAILED
    assert failed.attempts == 3
    assert letter.id == deadly.message_id
    assert letter.content == "Drop dead"
    assert letter.reason == failed.explanation
    assert letter.reason.code == "DELIVERY_FAILED"


async def test_a_dead_letter_frees_the_next_of_its_thread(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    deadly = await house.submit(agent.id, "Drop dead")
    follower = await house.submit(agent.id, "Hello?", deadly.thread_id)

    for _ in range(3):
        assert (await puppet.next())["message_id"] == str(deadly.message_id)
        await house.runtime.die(agent.id)
        puppet = await _reborn(house)

    freed = await puppet.next()
    assert freed["message_id"] == str(follower.message_id)
    assert await puppet.reply(freed, "Hello!") == 204


async def test_a_dead_letter_is_replayed_once(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    deadly = await house.submit(agent.id, "Drop dead")
    for _ in range(3):
        await puppet.next()
        await house.runtime.die(agent.id)
        puppet = await _reborn(house)
    await house.until(agent.id, AgentStatus.RUNNING)

    replayed = await house.bus.ask(REPLAY_DEAD_LETTER, _about(house, deadly.message_id))

    assert replayed.status is MessageStatus.QUEUED
    assert await _dead_letters(house) == []
    again = await puppet.next()
    assert again["attempt"] == 4
    assert await puppet.reply(again, "I live") == 204
    with pytest.raises(DeadLetterNotFoundError):
        await house.bus.ask(REPLAY_DEAD_LETTER, _about(house, deadly.message_id))


async def test_restarts_on_request_make_no_dead_letter(house: House) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    accepted = await house.submit(agent.id, "Take your time")

    for _ in range(4):
        assert await puppet.next() is not None
        await house.bus.ask(RESTART_AGENT, house.question(agent.id))
        puppet = await _reborn(house)
        await house.until(agent.id, AgentStatus.RUNNING)

    last = await puppet.next()
    assert last["attempt"] == 5
    assert await puppet.reply(last, "Done") == 204
    assert (await _read(house, accepted.message_id)).attempts == 5


async def test_a_deleted_agents_message_can_be_read_but_not_sent_again(
    house: House,
) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "Too late?")
    await house.bus.ask(DELETE_AGENT, house.question(agent.id))

    message = await _read(house, accepted.message_id)

    assert message.status is MessageStatus.CANCELLED
    with pytest.raises(Exception, match="no agent"):
        await house.bus.ask(RETRY_MESSAGE, _about(house, accepted.message_id))
