"""Use cases of messages: accept, hand to the agent, take its answer."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    MESSAGE_FINISHED,
    MESSAGE_MAX_CHARACTERS,
    WAKE,
    AgentMessage,
    DesiredState,
    MessageFinished,
    MessageQuestion,
    MessageStatus,
    SubmitMessage,
    Wake,
)
from shared.contracts.base import Explanation
from shared.database import Database, Transaction
from shared.errors import (
    AgentNotRunningError,
    MessageNotInHandError,
    MessageTooLongError,
)

from . import messages_repository as repository
from .agents_repository import agent as read_agent
from .hosted_agents import HostedAgent, MessageInHand
from .masking import SecretMask
from .messages_repository import ClaimedMessage, Turn

__all__ = ["MessageDesk", "Messages", "NextMessage"]

_HISTORY_TURNS = 100
_LOOK_AGAIN = timedelta(seconds=3)


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


@dataclass(frozen=True, slots=True)
class NextMessage:
    """A claimed message with the earlier turns of its thread, oldest first."""

    message: ClaimedMessage
    history: list[Turn]


class MessageDesk:
    """Where an agent fetches its messages and leaves its answers."""

    def __init__(self, *, database: Database, bus: Bus, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def next_for(
        self, agent: HostedAgent, *, wait: timedelta
    ) -> NextMessage | None:
        """Hand over the next message; None if none came within *wait*.

        Wakes are hints: the record is looked at every few seconds anyway.
        """
        try:
            async with asyncio.timeout(wait.total_seconds()):
                while True:
                    agent.woken.clear()
                    if found := await self._claimed(agent):
                        return found
                    await _woken(agent)
        except TimeoutError:
            return None

    async def finish(
        self,
        agent: HostedAgent,
        *,
        message_id: UUID,
        status: MessageStatus,
        content: str,
        explanation: Explanation | None,
    ) -> None:
        """Store the answer, masked; raises `MessageNotInHandError` for another's."""
        in_hand = agent.in_hand
        if in_hand is None or in_hand.message_id != message_id:
            raise _not_in_hand(message_id)
        async with self._database.organization(agent.org_id) as transaction:
            stored = await repository.finish(
                transaction,
                agent.host,
                message_id=message_id,
                status=status,
                reply=_storable(content, agent) if content else None,
                usage=in_hand.usage,
                explanation=_storable_explanation(explanation, agent),
                at=self._now(),
            )
        agent.in_hand = None
        if not stored:
            raise _not_in_hand(message_id)
        await self._bus.signal(
            MESSAGE_FINISHED, MessageFinished(message_id=message_id), key=message_id
        )

    async def acknowledge(
        self, org_id: UUID, agent_id: UUID, *, runner: str, epoch: int
    ) -> None:
        """Answer what waits for an agent in `ack_only` with the reason it is so."""
        async with self._database.organization(org_id) as transaction:
            acknowledged = await repository.acknowledge_waiting(
                transaction, agent_id, runner=runner, epoch=epoch, at=self._now()
            )
        for message_id in acknowledged:
            await self._bus.signal(
                MESSAGE_FINISHED, MessageFinished(message_id=message_id), key=message_id
            )

    async def hand_back(self, org_id: UUID, agent_id: UUID) -> None:
        """Queue again what an incarnation that is gone had in hand."""
        async with self._database.organization(org_id) as transaction:
            await repository.hand_back(transaction, agent_id)

    async def _claimed(self, agent: HostedAgent) -> NextMessage | None:
        if not agent.takes_messages(self._now()):
            return None
        async with self._database.organization(agent.org_id) as transaction:
            message = await repository.claimed_by(
                transaction, agent.host
            ) or await repository.claim_next(transaction, agent.host)
            if message is None:
                return None
            history = await repository.history(
                transaction,
                thread_id=message.thread_id,
                before=message.position,
                limit=_HISTORY_TURNS,
            )
        if agent.in_hand is None or agent.in_hand.message_id != message.id:
            agent.in_hand = MessageInHand(message.id, message.thread_id)
        return NextMessage(message, history)


def _storable(content: str, agent: HostedAgent) -> str:
    """Mask the agent's secrets, and what PostgreSQL's text cannot hold (U+0000)."""
    return SecretMask(agent.secrets).hide(content).replace("\0", "\ufffd")


def _storable_explanation(
    explanation: Explanation | None, agent: HostedAgent
) -> Explanation | None:
    """Mask what the agent chose to say of its failure, as in an answer."""
    if explanation is None:
        return None
    name = explanation.provider_error
    return explanation.model_copy(
        update={
            "message": _storable(explanation.message, agent),
            "provider_error": _storable(name, agent) if name else None,
        }
    )


async def _woken(agent: HostedAgent) -> None:
    try:
        async with asyncio.timeout(_LOOK_AGAIN.total_seconds()):
            await agent.woken.wait()
    except TimeoutError:
        return


def _not_in_hand(message_id: UUID) -> MessageNotInHandError:
    return MessageNotInHandError(
        f"The message {message_id} is not in this agent's hand."
    )
