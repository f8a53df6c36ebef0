"""What is asked at the same moment: twice, or beside its opposite.

Each order of events is made certain by a lock that the test holds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
from tests.integration.lock_waits import blocked, until_blocked

from ag2trust.testing import Stack
from ag2trust.waiting import until
from shared.agent_tokens import hash_token, new_token
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    START_AGENT,
    STOP_AGENT,
    UPDATE_AGENT,
    Agent,
    AgentPatch,
    AgentStatus,
    CreateAgent,
    UpdateAgent,
)
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentTypePatch,
    AgentTypeQuestion,
    UpdateAgentType,
)
from shared.contracts.base import Empty
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
from shared.contracts.credentials import ClaimUses
from shared.contracts.routes import Fallback
from shared.errors import (
    AgentNotFoundError,
    AgentTypeNotFoundError,
    PreconditionFailedError,
    UnavailableError,
)
from shared.ids import new_id

from .outside import Outside
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


async def test_an_agent_that_is_deleted_twice_at_once_is_gone_for_both(
    house: House, stack: Stack
) -> None:
    agent = await house.make_agent()

    async with (
        asyncio.TaskGroup() as tasks,
        holding(
            stack, "SELECT FROM agent WHERE id = $1 FOR UPDATE", agent.id
        ) as superuser,
    ):
        twins = [
            tasks.create_task(house.bus.ask(DELETE_AGENT, house.question(agent.id)))
            for _ in range(2)
        ]
        await until_blocked(superuser, "agent_runner", connections=2)

    assert [each.result() for each in twins] == [Empty(), Empty()]


async def test_an_agent_that_is_started_while_it_is_deleted_is_gone(
    house: House, stack: Stack
) -> None:
    agent = await house.make_agent()
    claiming, goes_on = asyncio.Event(), asyncio.Event()

    async def held(claim: ClaimUses) -> None:
        if claim.generation == 1:
            claiming.set()
            await goes_on.wait()

    house.credentials.claiming = held
    start = asyncio.create_task(house.bus.ask(START_AGENT, house.question(agent.id)))
    await claiming.wait()
    async with holding(stack, "LOCK TABLE agent IN SHARE MODE") as superuser:
        deletion = asyncio.create_task(
            house.bus.ask(DELETE_AGENT, house.question(agent.id))
        )
        await until_blocked(superuser, "agent_runner")
    goes_on.set()
    _, deleted = await asyncio.gather(start, deletion, return_exceptions=True)

    assert deleted == Empty()
    with pytest.raises(AgentNotFoundError):
        await house.bus.ask(GET_AGENT, house.question(agent.id))


async def test_of_two_changes_to_one_version_of_an_agent_one_is_refused(
    house: House, stack: Stack
) -> None:
    agent = await house.make_agent()

    async with (
        holding(
            stack, "SELECT FROM agent WHERE id = $1 FOR UPDATE", agent.id
        ) as superuser,
    ):
        changes = asyncio.gather(
            *(
                change(house, agent, AgentPatch(name=name), if_version=agent.version)
                for name in ("bob", "eve")
            ),
            return_exceptions=True,
        )
        await until_blocked(superuser, "agent_runner", connections=2)

    refused = [each for each in await changes if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [PreconditionFailedError]


async def change(
    house: House, agent: Agent, patch: AgentPatch, *, if_version: int | None = None
) -> Agent:
    question = UpdateAgent(
        org_id=house.org_id,
        actor=ACTOR,
        agent_id=agent.id,
        patch=patch,
        if_version=if_version,
    )
    return await house.bus.ask(UPDATE_AGENT, question)


async def test_an_agent_is_not_given_a_type_that_is_deleted_meanwhile(
    house: House, stack: Stack
) -> None:
    agent = await house.make_agent()
    other = await house.make_agent_type("other")

    async with holding(
        stack, "DELETE FROM agent_type WHERE id = $1", other
    ) as superuser:
        patch = AgentPatch(agent_type_id=other)
        changing = asyncio.create_task(change(house, agent, patch))
        await until_blocked(superuser, "agent_runner")

    with pytest.raises(AgentTypeNotFoundError):
        await changing


async def test_no_external_agent_is_made_of_a_type_that_is_deleted_meanwhile(
    one: Outside,
) -> None:
    type_id = await one.made_type("ada")

    async with holding(
        one.stack, "DELETE FROM agent_type WHERE id = $1", type_id
    ) as superuser:
        question = creation(one, type_id)
        making = asyncio.create_task(one.house.bus.ask(CREATE_AGENT, question))
        await until_blocked(superuser, "agent_runner")

    with pytest.raises(AgentTypeNotFoundError):
        await making


def creation(outside: Outside, type_id: UUID) -> CreateAgent:
    return CreateAgent(
        org_id=outside.house.org_id,
        actor=ACTOR,
        agent_id=new_id(),
        name="ada",
        agent_type_id=type_id,
        token_hash=hash_token(new_token()),
    )


async def test_an_external_agent_that_is_made_twice_at_once_is_there(
    one: Outside,
) -> None:
    question = creation(one, await one.made_type("ada"))
    is_overtaken = asyncio.Event()

    async def claiming(claim: ClaimUses) -> None:
        """Let the first go on once it is overtaken, and end first, if it does."""
        if claim.generation == 1:
            await is_overtaken.wait()
            return
        is_overtaken.set()
        await asyncio.wait({first}, timeout=0.3)

    one.house.credentials.claiming = claiming
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(one.house.bus.ask(CREATE_AGENT, question))
        second = tasks.create_task(one.house.bus.ask(CREATE_AGENT, question))

    made = await one.house.bus.ask(GET_AGENT, one.house.question(question.agent_id))
    assert first.result() == second.result() == made
    assert made.status is AgentStatus.RUNNING


async def test_a_type_that_an_agent_is_given_while_it_starts_is_its_next(
    house: House,
) -> None:
    agent = await house.make_agent()
    await starting_meanwhile_given_another_type(house, agent)


async def test_a_type_that_an_external_agent_is_given_while_it_starts_is_its_next(
    one: Outside,
) -> None:
    agent, _ = await one.made()
    await one.tell(STOP_AGENT, agent)
    await starting_meanwhile_given_another_type(one.house, agent, runtime="external")


async def starting_meanwhile_given_another_type(
    house: House, agent: Agent, **fields: Any
) -> None:
    other = await house.make_agent_type("other", **fields)

    async def claiming(_: ClaimUses) -> None:
        house.credentials.claiming = None
        await change(house, agent, AgentPatch(agent_type_id=other))

    house.credentials.claiming = claiming
    await house.bus.ask(START_AGENT, house.question(agent.id))

    started = await house.bus.ask(GET_AGENT, house.question(agent.id))
    assert (started.agent_type_id, started.restart_required) == (other, True)


async def test_a_change_of_a_type_is_made_together_with_the_news_of_it(
    one: Outside,
) -> None:
    agent, _ = await one.made()
    fallback = Fallback(provider_id=one.house.provider_id, model="gpt-5")
    question = UpdateAgentType(
        org_id=one.house.org_id,
        actor=ACTOR,
        agent_type_id=agent.agent_type_id,
        patch=AgentTypePatch(fallbacks=[fallback]),
    )

    async with holding(
        one.stack, "SELECT FROM external_change_number FOR UPDATE"
    ) as superuser:
        changing = asyncio.create_task(one.house.bus.ask(UPDATE_AGENT_TYPE, question))
        await until_blocked(superuser, "agent_runner")
        for process in await blocked(superuser, "agent_runner"):
            await superuser.execute("SELECT pg_terminate_backend($1)", process)
        with pytest.raises(UnavailableError):
            await changing

    asked = AgentTypeQuestion(
        org_id=one.house.org_id, actor=ACTOR, agent_type_id=agent.agent_type_id
    )
    assert (await one.house.bus.ask(GET_AGENT_TYPE, asked)).fallbacks == []
