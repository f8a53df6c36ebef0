"""Conversations: listed, read, taken over by another agent of the type, forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from ag2trust.testing import Stack
from agent_runner.messages.retention import Retention
from agent_runner.settings import Settings
from shared.clock import utc_now
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    STOP_AGENT,
    Agent,
    CreateAgent,
)
from shared.contracts.base import Service
from shared.contracts.conversations import (
    ASK_AGENT_TYPE,
    GET_MESSAGE,
    GET_THREAD,
    LIST_THREADS,
    AgentMessage,
    AskAgentType,
    MessageQuestion,
    MessageStatus,
    Thread,
    ThreadHistory,
    ThreadQuestion,
    ThreadsQuestion,
)
from shared.database import connect_database
from shared.errors import (
    AgentNotRunningError,
    AgentTypeNotFoundError,
    InvalidError,
    MessageNotFoundError,
    ThreadNotFoundError,
)
from shared.ids import new_id

from .runner_house import ACTOR, House, Puppet

pytestmark = pytest.mark.integration


async def _history(
    house: House, thread_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> ThreadHistory:
    question = ThreadQuestion(
        org_id=house.org_id,
        actor=ACTOR,
        thread_id=thread_id,
        limit=limit,
        cursor=cursor,
    )
    return await house.bus.ask(GET_THREAD, question)


async def _threads(house: House, agent_id: UUID | None = None) -> list[Thread]:
    question = ThreadsQuestion(org_id=house.org_id, actor=ACTOR, agent_id=agent_id)
    return (await house.bus.ask(LIST_THREADS, question)).data


async def _ask(
    house: House, slug: str, content: str, thread_id: UUID | None = None
) -> AgentMessage:
    question = AskAgentType(
        org_id=house.org_id,
        actor=ACTOR,
        message_id=new_id(),
        slug=slug,
        thread_id=thread_id,
        content=content,
    )
    return await house.bus.ask(ASK_AGENT_TYPE, question)


async def _twin(house: House, agent: Agent, name: str) -> tuple[Agent, Puppet]:
    """Make and start another agent of the same type."""
    twin = await house.bus.ask(
        CREATE_AGENT,
        CreateAgent(
            org_id=house.org_id,
            actor=ACTOR,
            agent_id=new_id(),
            name=name,
            agent_type_id=agent.agent_type_id,
        ),
    )
    return twin, await house.start(twin.id)


async def test_a_thread_tells_what_was_asked_and_answered_newest_first(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    first = await house.submit(agent.id, "One")
    second = await house.submit(agent.id, "Two", first.thread_id)
    await puppet.reply(await puppet.next(), "1")

    thread = await _history(house, first.thread_id)

    assert thread.id == first.thread_id
    assert thread.agent_id == agent.id
    assert [each.message_id for each in thread.messages] == [
        second.message_id,
        first.message_id,
    ]
    assert [each.position for each in thread.messages] == [2, 1]
    assert [each.content for each in thread.messages] == ["Two", "One"]
    assert [each.reply for each in thread.messages] == [None, "1"]
    assert thread.messages[1].attempts == 1
    assert thread.next_cursor is None


async def test_a_long_thread_comes_in_pages(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    first = await house.submit(agent.id, "1")
    for number in range(2, 6):
        await house.submit(agent.id, str(number), first.thread_id)

    newest = await _history(house, first.thread_id, limit=3)
    rest = await _history(house, first.thread_id, limit=3, cursor=newest.next_cursor)

    assert [each.content for each in newest.messages] == ["5", "4", "3"]
    assert [each.content for each in rest.messages] == ["2", "1"]
    assert rest.next_cursor is None


async def test_a_page_of_long_answers_is_shorter_than_asked_and_nothing_is_left_out(
    house: House,
) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    thread_id = None
    for _ in range(3):
        accepted = await house.submit(agent.id, "A story!", thread_id)
        thread_id = accepted.thread_id
        assert await puppet.reply(await puppet.next(), "x" * 500_000) == 204
    assert thread_id is not None

    pages, cursor = [], None
    while True:
        page = await _history(house, thread_id, cursor=cursor)
        pages.append([each.position for each in page.messages])
        if (cursor := page.next_cursor) is None:
            break

    assert pages == [[3], [2], [1]]


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 40, "\u0663"])
async def test_a_cursor_that_is_none_is_refused(house: House, cursor: str) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "Hello?")

    with pytest.raises(InvalidError):
        await _history(house, accepted.thread_id, cursor=cursor)


async def test_threads_are_listed_newest_first_those_of_one_agent_on_request(
    house: House,
) -> None:
    ada, bob = await house.make_agent("ada"), await house.make_agent("bob")
    await house.start(ada.id)
    await house.start(bob.id)
    first = await house.submit(ada.id, "One")
    second = await house.submit(bob.id, "Two")
    await house.submit(ada.id, "Three", first.thread_id)

    listed, adas = await _threads(house), await _threads(house, ada.id)

    assert [each.id for each in listed] == [second.thread_id, first.thread_id]
    assert [each.messages for each in listed] == [1, 2]
    assert [each.id for each in adas] == [first.thread_id]


async def test_threads_of_another_organization_are_not_there(house: House) -> None:
    agent = await house.make_agent()
    await house.start(agent.id)
    accepted = await house.submit(agent.id, "Ours")
    house.org_id = new_id()

    assert await _threads(house) == []
    with pytest.raises(ThreadNotFoundError):
        await _history(house, accepted.thread_id)


async def test_a_type_is_asked_through_who_has_the_least_to_do(house: House) -> None:
    ada = await house.make_agent("ada")
    await house.start(ada.id)
    bob, _ = await _twin(house, ada, "bob")
    await house.submit(ada.id, "Busy")

    asked = [(await _ask(house, "ada", "Hello?")).agent_id for _ in range(2)]

    assert asked[0] == bob.id
    assert set(asked) == {ada.id, bob.id}


async def test_a_thread_stays_with_its_agent(house: House) -> None:
    ada = await house.make_agent("ada")
    await house.start(ada.id)
    await _twin(house, ada, "bob")
    first = await _ask(house, "ada", "One")

    others = [await _ask(house, "ada", "More", first.thread_id) for _ in range(5)]

    assert {each.agent_id for each in others} == {first.agent_id}
    assert {each.thread_id for each in others} == {first.thread_id}


async def test_another_agent_goes_on_with_the_thread_of_one_that_stopped(
    house: House,
) -> None:
    ada = await house.make_agent("ada")
    puppet = await house.start(ada.id)
    first = await _ask(house, "ada", "My name is Grace.")
    await puppet.reply(await puppet.next(), "Noted.")
    bob, twin = await _twin(house, ada, "bob")
    await house.bus.ask(STOP_AGENT, house.question(ada.id))

    second = await _ask(house, "ada", "What is it?", first.thread_id)

    assert second.agent_id == bob.id
    told = await twin.next()
    assert told["message_id"] == str(second.message_id)
    assert [each["content"] for each in told["history"]] == [
        "My name is Grace.",
        "Noted.",
    ]


async def test_a_thread_with_something_unfinished_is_not_moved(house: House) -> None:
    ada = await house.make_agent("ada")
    await house.start(ada.id)
    first = await _ask(house, "ada", "Unanswered")
    await _twin(house, ada, "bob")
    await house.bus.ask(STOP_AGENT, house.question(ada.id))

    with pytest.raises(AgentNotRunningError, match="unfinished"):
        await _ask(house, "ada", "And now?", first.thread_id)


async def test_a_type_without_a_running_agent_says_so(house: House) -> None:
    await house.make_agent("ada")

    with pytest.raises(AgentNotRunningError, match='"ada"'):
        await _ask(house, "ada", "Hello?")
    with pytest.raises(AgentTypeNotFoundError, match='"bob"'):
        await _ask(house, "bob", "Hello?")


async def test_a_thread_of_another_type_is_not_found(house: House) -> None:
    ada, bob = await house.make_agent("ada"), await house.make_agent("bob")
    await house.start(ada.id)
    await house.start(bob.id)
    first = await _ask(house, "ada", "One")

    with pytest.raises(ThreadNotFoundError):
        await _ask(house, "bob", "Two", first.thread_id)


async def test_a_question_that_is_put_twice_is_one_message(house: House) -> None:
    ada = await house.make_agent("ada")
    await house.start(ada.id)
    question = AskAgentType(
        org_id=house.org_id,
        actor=ACTOR,
        message_id=new_id(),
        slug="ada",
        content="Once",
    )

    asked = [await house.bus.ask(ASK_AGENT_TYPE, question) for _ in range(2)]

    assert asked[0] == asked[1]
    assert [each.messages for each in await _threads(house)] == [1]


async def _sweep(stack: Stack, *, kept: timedelta, now: datetime) -> None:
    settings = stack.settings(Settings, Service.AGENT_RUNNER)
    async with connect_database(settings) as database:
        await Retention(database=database, kept=kept, now=lambda: now).sweep()


async def test_what_is_old_and_done_is_forgotten(house: House, stack: Stack) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    answered = await house.submit(agent.id, "Old")
    await puppet.reply(await puppet.next(), "News")
    waiting = await house.submit(agent.id, "Still waiting")
    later = utc_now() + timedelta(days=8)

    await _sweep(stack, kept=timedelta(days=7), now=later)

    assert [each.id for each in await _threads(house)] == [waiting.thread_id]
    with pytest.raises(ThreadNotFoundError):
        await _history(house, answered.thread_id)
    question = MessageQuestion(
        org_id=house.org_id, actor=ACTOR, message_id=answered.message_id
    )
    with pytest.raises(MessageNotFoundError):
        await house.bus.ask(GET_MESSAGE, question)
    assert (await puppet.next())["message_id"] == str(waiting.message_id)


async def test_what_is_young_is_kept(house: House, stack: Stack) -> None:
    agent = await house.make_agent()
    puppet = await house.start(agent.id)
    answered = await house.submit(agent.id, "Young")
    await puppet.reply(await puppet.next(), "News")
    later = utc_now() + timedelta(days=6)

    await _sweep(stack, kept=timedelta(days=7), now=later)

    thread = await _history(house, answered.thread_id)
    assert [each.status for each in thread.messages] == [MessageStatus.COMPLETED]
