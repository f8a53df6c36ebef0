"""Where an agent fetches its messages and leaves its answers."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from agent_runner.hosted_agents import HostedAgent, MessageInHand
from agent_runner.masking import SecretMask
from agent_runner.repositories import messages as repository
from agent_runner.repositories.messages import ClaimedMessage, Turn
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    MESSAGE_FINISHED,
    MessageFinished,
    MessageStatus,
)
from shared.contracts.base import Explanation
from shared.database import Database
from shared.errors import (
    MessageNotInHandError,
)

__all__ = ["MessageDesk", "NextMessage"]

_HISTORY_TURNS = 100
_LOOK_AGAIN = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class NextMessage:
    """A claimed message with the earlier turns of its thread, oldest first."""

    message: ClaimedMessage
    history: list[Turn]


class MessageDesk:
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
