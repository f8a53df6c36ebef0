"""What callers ask about messages: accept one, read one."""

from agent_runner.repositories import messages as repository
from agent_runner.repositories.agents import agent as read_agent
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    MESSAGE_MAX_CHARACTERS,
    WAKE,
    AgentMessage,
    DesiredState,
    MessageQuestion,
    SubmitMessage,
    Wake,
)
from shared.database import Database, Transaction
from shared.errors import (
    AgentNotRunningError,
    MessageTooLongError,
)

__all__ = ["Messages"]


class Messages:
    """What any runner answers about messages, whoever hosts the agent."""

    def __init__(self, *, database: Database, bus: Bus, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def submit(self, question: SubmitMessage) -> AgentMessage:
        """Accept a message: it is a row before the answer says so."""
        if len(question.content) > MESSAGE_MAX_CHARACTERS:
            raise MessageTooLongError(
                f"A message has {MESSAGE_MAX_CHARACTERS} characters at most;"
                f" this one has {len(question.content)}."
            )
        async with self._database.organization(question.org_id) as transaction:
            known = await repository.find_message(transaction, question.message_id)
            if known is not None:
                return known
            runner = await self._queue(transaction, question)
            accepted = await repository.message(transaction, question.message_id)
        await self._bus.signal(
            WAKE, Wake(agent_id=question.agent_id, has_message=True), key=runner
        )
        return accepted

    async def get(self, question: MessageQuestion) -> AgentMessage:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.message(transaction, question.message_id)

    async def _queue(self, transaction: Transaction, question: SubmitMessage) -> str:
        agent = await read_agent(transaction, question.agent_id)
        if agent.desired_state is not DesiredState.RUNNING or agent.runner is None:
            raise AgentNotRunningError(f"The agent {agent.name} is stopped; start it.")
        at = self._now()
        thread_id = question.thread_id
        if thread_id is None:
            thread_id = question.message_id
            await repository.add_thread(
                transaction,
                org_id=question.org_id,
                thread_id=thread_id,
                agent_id=agent.id,
                at=at,
            )
        await repository.add_message(
            transaction,
            org_id=question.org_id,
            message_id=question.message_id,
            agent_id=agent.id,
            agent_type_id=agent.agent_type_id,
            thread_id=thread_id,
            content=question.content,
            at=at,
        )
        return agent.runner
