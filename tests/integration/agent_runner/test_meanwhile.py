"""What is asked at the same moment: twice, or beside its opposite.

Each order of events is made certain by a lock that the test holds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import pytest
from tests.integration.lock_waits import blocked, until_blocked

from ag2trust.testing import Stack
from ag2trust.waiting import until
from shared.contracts.agent_runner import (
    DELETE_AGENT,
    START_AGENT,
    Agent,
)
from shared.contracts.conversations import (
    CANCEL_MESSAGE,
    GET_MESSAGE,
    RETRY_MESSAGE,
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageQuestion,
    MessageStatus,
    SubmitMessage,
)
from shared.ids import new_id

from .runner_house import ACTOR, House

pytestmark = pytest.mark.integration

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def holding(
    stack: Stack, statement: str, *arguments: object
) -> AsyncIterator[Superuser]:
    """Hold what *statement* locks while the block lasts, then commit it."""
    superuser = await stack.connect()
    try:
        async with superuser.transaction():
            await superuser.execute("SET LOCAL search_path TO agent_runner")
            await superuser.execute(statement, *arguments)
            yield superuser
    finally:
        await superuser.close()


def of_thread(house: House, agent: Agent, first: AgentMessage) -> SubmitMessage:
    return SubmitMessage(
        org_id=house.org_id,
        actor=ACTOR,
        message_id=new_id(),
        agent_id=agent.id,
        thread_id=first.thread_id,
        content="And then?",
    )


def about(house: House, message: AgentMessage) -> MessageQuestion:
    return MessageQuestion(
        org_id=house.org_id, actor=ACTOR, message_id=message.message_id
    )


async def submit(house: House, agent: Agent, first: AgentMessage) -> AgentMessage:
    return await house.bus.ask(SUBMIT_MESSAGE, of_thread(house, agent, first))


async def retry(house: House, _: Agent, first: AgentMessage) -> AgentMessage:
    return await house.bus.ask(RETRY_MESSAGE, about(house, first))


async def talked_to(house: House) -> tuple[Agent, AgentMessage]:
    """Have an agent that is to run, and a cancelled message to it."""
    agent = await house.make_agent()
    await house.bus.ask(START_AGENT, house.question(agent.id))
    first = await house.submit(agent.id, "Hello!")
    return agent, await house.bus.ask(CANCEL_MESSAGE, about(house, first))


async def test_a_message_that_is_sent_twice_at_once_is_accepted_once(
    house: House, stack: Stack
) -> None:
    agent, first = await talked_to(house)
    question = of_thread(house, agent, first)

    async with (
        asyncio.TaskGroup() as tasks,
        holding(
            stack, "SELECT FROM thread WHERE id = $1 FOR UPDATE", first.thread_id
        ) as superuser,
    ):
        twins = [
            tasks.create_task(house.bus.ask(SUBMIT_MESSAGE, question)) for _ in range(2)
        ]
        await until_blocked(superuser, "agent_runner", connections=2)

    one, other = (each.result() for each in twins)
    assert one == other


@pytest.mark.parametrize(
    ("send", "waits_for"),
    [(submit, "thread"), (retry, "message")],
    ids=["submit", "retry"],
)
async def test_what_is_sent_while_its_agent_is_deleted_comes_to_an_end(
    house: House,
    stack: Stack,
    send: Callable[[House, Agent, AgentMessage], Coroutine[Any, Any, AgentMessage]],
    waits_for: str,
) -> None:
    agent, first = await talked_to(house)

    async with (
        asyncio.TaskGroup() as tasks,
        holding(
            stack,
            f"UPDATE {waits_for} SET org_id = org_id",  # noqa: S608 - our tables
        ) as superuser,
    ):
        sending = tasks.create_task(send(house, agent, first))
        await until_blocked(superuser, "agent_runner")
        deletion = tasks.create_task(
            house.bus.ask(DELETE_AGENT, house.question(agent.id))
        )

        async def is_done_or_waits() -> bool:
            return deletion.done() or len(await blocked(superuser, "agent_runner")) > 1

        await until("the deletion done or waiting", is_done_or_waits)

    sent = await house.bus.ask(GET_MESSAGE, about(house, sending.result()))
    assert sent.status is MessageStatus.CANCELLED
