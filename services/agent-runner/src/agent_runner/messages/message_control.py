"""What is done about messages after they were accepted: cancelled, sent again."""

from contextlib import suppress

from agent_runner.repositories import messages as repository
from agent_runner.repositories.agents import agent as read_agent
from agent_runner.repositories.agents import keep_agent
from agent_runner.repositories.audit import note
from agent_runner.repositories.dead_letters import dead_letters, is_dead_letter
from agent_runner.repositories.threads import next_place
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import Agent
from shared.contracts.base import Page, PageQuestion
from shared.contracts.conversations import (
    MESSAGE_FINISHED,
    AgentMessage,
    DeadLetter,
    MessageFinished,
    MessageQuestion,
    MessageStatus,
)
from shared.database import Database, Transaction
from shared.errors import (
    AgentNotFoundError,
    DeadLetterNotFoundError,
    MessageFinalError,
)
from shared.pages import before, fitting, page_of

from .messages import require_taking, wake_host

__all__ = ["MessageControl"]


class MessageControl:
    """What any runner answers, whoever hosts the agent."""

    def __init__(self, *, database: Database, bus: Bus, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def cancel(self, question: MessageQuestion) -> AgentMessage:
        """End a message that is not final yet; cancelling it again changes nothing.

        An answer that its agent is giving is not heard any more.
        """
        async with self._database.organization(question.org_id) as transaction:
            is_ended = await repository.cancel(
                transaction, question.message_id, at=self._now()
            )
            message = await repository.message(transaction, question.message_id)
            if message.status is not MessageStatus.CANCELLED:
                raise MessageFinalError(f"The message is {message.status} already.")
            if not is_ended:
                return message
            await note(transaction, question, "message.cancelled", message.message_id)
            agent = await _agent_of(transaction, message)
        await self._bus.signal(
            MESSAGE_FINISHED,
            MessageFinished(message_id=message.message_id),
            key=message.message_id,
        )
        if agent is not None:
            await wake_host(self._bus, agent, cancelled_message_id=question.message_id)
        return message

    async def retry(self, question: MessageQuestion) -> AgentMessage:
        """Send a message again that has no answer, at the end of its thread.

        One that is under way stays as it is.
        """
        async with self._database.organization(question.org_id) as transaction:
            message = await repository.message(transaction, question.message_id)
            if not message.status.is_final:
                return message
            if message.status is MessageStatus.COMPLETED:
                raise MessageFinalError("The message is answered; send a new one.")
            agent = await self._queue_again(transaction, question, message)
            message = await repository.message(transaction, question.message_id)
        await wake_host(self._bus, agent)
        return message

    async def replay(self, question: MessageQuestion) -> AgentMessage:
        """Retry a dead letter; raises `DeadLetterNotFoundError` for what is none."""
        async with self._database.organization(question.org_id) as transaction:
            if not await is_dead_letter(transaction, question.message_id):
                raise DeadLetterNotFoundError(
                    f"There is no dead letter {question.message_id}."
                )
        return await self.retry(question)

    async def dead_letters(self, question: PageQuestion) -> Page[DeadLetter]:
        async with self._database.organization(question.org_id) as transaction:
            found = await dead_letters(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        limit = fitting(found, limit=question.limit)
        return page_of(found, limit=limit, id_of=lambda each: each.id)

    async def _queue_again(
        self,
        transaction: Transaction,
        question: MessageQuestion,
        message: AgentMessage,
    ) -> Agent:
        """Queue it for the agent that has its thread by now; returns that agent."""
        place = await next_place(transaction, message.thread_id, at=self._now())
        await keep_agent(transaction, place.agent_id)
        agent = await read_agent(transaction, place.agent_id)
        require_taking(agent)
        if await repository.queue_again(
            transaction,
            message.message_id,
            agent_id=agent.id,
            position=place.position,
        ):
            await note(transaction, question, "message.retried", message.message_id)
        return agent


async def _agent_of(transaction: Transaction, message: AgentMessage) -> Agent | None:
    with suppress(AgentNotFoundError):
        return await read_agent(transaction, message.agent_id)
    return None
