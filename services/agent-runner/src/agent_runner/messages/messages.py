"""What callers ask about messages: accept one, read one."""

from uuid import UUID

from agent_runner.repositories import agents_of_type, threads
from agent_runner.repositories import messages as repository
from agent_runner.repositories.agents import agent as read_agent
from agent_runner.repositories.agents import keep_agent
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    WAKE,
    Agent,
    DesiredState,
    Wake,
)
from shared.contracts.conversations import (
    MESSAGE_MAX_CHARACTERS,
    AgentMessage,
    AskAgentType,
    MessageQuestion,
    SubmitMessage,
)
from shared.database import Database, Transaction
from shared.errors import (
    AgentIsExternalError,
    AgentNotRunningError,
    MessageTooLongError,
    ThreadNotFoundError,
)
from shared.tracing import current
from shared.twins import wait_for_twins

__all__ = ["Messages", "require_taking", "wake_host"]


class Messages:
    """What any runner answers about messages, whoever hosts the agent."""

    def __init__(self, *, database: Database, bus: Bus, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def submit(self, question: SubmitMessage) -> AgentMessage:
        """Accept a message: it is a row before the answer says so."""
        _check_length(question.content)
        async with self._database.organization(question.org_id) as transaction:
            await wait_for_twins(transaction, question.message_id)
            known = await repository.find_message(transaction, question.message_id)
            if known is not None:
                return known
            await keep_agent(transaction, question.agent_id)
            agent = await read_agent(transaction, question.agent_id)
            await self._queue(transaction, question, agent)
            accepted = await repository.message(transaction, question.message_id)
        await wake_host(self._bus, agent)
        return accepted

    async def ask(self, question: AskAgentType) -> AgentMessage:
        """Accept a message for an agent of a type, as `submit` does.

        A thread stays with its agent. Is that one not to run any more, and nothing of
        the thread unfinished, another agent of the type goes on with it.
        """
        _check_length(question.content)
        async with self._database.organization(question.org_id) as transaction:
            await wait_for_twins(transaction, question.message_id)
            known = await repository.find_message(transaction, question.message_id)
            if known is not None:
                return known
            agent_id = await _chosen(transaction, question)
            await keep_agent(transaction, agent_id)
            agent = await read_agent(transaction, agent_id)
            submission = SubmitMessage(
                **question.model_dump(exclude={"slug"}), agent_id=agent.id
            )
            await self._queue(transaction, submission, agent)
            accepted = await repository.message(transaction, question.message_id)
        await wake_host(self._bus, agent)
        return accepted

    async def get(self, question: MessageQuestion) -> AgentMessage:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.message(transaction, question.message_id)

    async def _queue(
        self, transaction: Transaction, question: SubmitMessage, agent: Agent
    ) -> None:
        require_taking(agent)
        at = self._now()
        thread_id = question.thread_id or question.message_id
        trace = current().context
        if question.thread_id is None:
            await threads.add_thread(
                transaction,
                org_id=question.org_id,
                thread_id=thread_id,
                agent_id=agent.id,
                at=at,
            )
        place = await threads.next_place(transaction, thread_id, at=at)
        if place.agent_id != agent.id:
            raise ThreadNotFoundError(f"The agent has no thread {thread_id}.")
        await repository.add_message(
            transaction,
            org_id=question.org_id,
            message_id=question.message_id,
            agent_id=agent.id,
            agent_type_id=agent.agent_type_id,
            thread_id=thread_id,
            position=place.position,
            content=question.content,
            is_streamed=question.is_streamed,
            traceparent=str(trace) if trace else None,
            at=at,
        )


def require_taking(agent: Agent) -> None:
    """Raise `AgentIsExternalError` or `AgentNotRunningError` for one that does not."""
    if agent.is_external:
        raise AgentIsExternalError(
            f"The agent {agent.name} is external: it calls, and takes no messages."
        )
    if agent.desired_state is not DesiredState.RUNNING:
        raise AgentNotRunningError(f"The agent {agent.name} is stopped; start it.")


async def wake_host(
    bus: Bus, agent: Agent, *, cancelled_message_id: UUID | None = None
) -> None:
    """Tell the host, if there is one, to look for messages of *agent*."""
    if agent.runner is None:
        return
    wake = Wake(
        agent_id=agent.id, has_message=True, cancelled_message_id=cancelled_message_id
    )
    await bus.signal(WAKE, wake, key=agent.runner)


async def _chosen(transaction: Transaction, question: AskAgentType) -> UUID:
    """Choose the thread's agent if it is to run, else who has the least to do."""
    agent_type_id = await agents_of_type.agent_type_named(transaction, question.slug)
    thread_id = question.thread_id
    if thread_id is not None:
        theirs = await agents_of_type.thread_agent(
            transaction, thread_id, agent_type_id=agent_type_id
        )
        if await agents_of_type.takes_messages(
            transaction, theirs, agent_type_id=agent_type_id
        ):
            return theirs
    agent_id = await agents_of_type.least_busy(transaction, agent_type_id)
    if agent_id is None:
        raise AgentNotRunningError(
            f'No agent of the type "{question.slug}" is running; start one.'
        )
    if thread_id is not None and not await threads.move_thread(
        transaction, thread_id, agent_id=agent_id
    ):
        raise AgentNotRunningError(
            "The thread's agent is stopped with messages of it unfinished;"
            " start it, or cancel them."
        )
    return agent_id


def _check_length(content: str) -> None:
    if len(content) > MESSAGE_MAX_CHARACTERS:
        raise MessageTooLongError(
            f"A message has {MESSAGE_MAX_CHARACTERS} characters at most;"
            f" this one has {len(content)}."
        )
