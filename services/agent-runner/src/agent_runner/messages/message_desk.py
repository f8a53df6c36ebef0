"""Where an agent fetches its messages and leaves its answers."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from agent_runner.explanations import agents_failure, explanation
from agent_runner.hosted_agents import HostedAgent, MessageInHand
from agent_runner.masking import SecretMask
from agent_runner.repositories import dead_letters
from agent_runner.repositories import messages as repository
from agent_runner.repositories.messages import ClaimedMessage
from agent_runner.repositories.threads import Turn, history
from agent_runner.tenure import Tenure
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.base import Explanation
from shared.contracts.conversations import (
    MESSAGE_FINISHED,
    MessageFinished,
    MessageStatus,
)
from shared.database import Database
from shared.errors import MessageNotInHandError
from shared.timeouts import timeout

from .message_spans import begin_handling, tell_outcome
from .reply_stream import ReplyStream

__all__ = ["Failure", "MessageDesk", "NextMessage"]

_HISTORY_TURNS = 100
_LOOK_AGAIN = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class NextMessage:
    """A claimed message with the earlier turns of its thread, oldest first."""

    message: ClaimedMessage
    history: list[Turn]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an agent could not answer, in its own words; *code* is its name for it."""

    code: str
    message: str


class MessageDesk:
    """Hands out messages and takes answers, for as long as *tenure* is held.

    *most_deliveries* is how often a message may be lost with its agent.
    """

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        tenure: Tenure,
        most_deliveries: int,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._tenure = tenure
        self._most_deliveries = most_deliveries
        self._now = now

    async def next_for(
        self, agent: HostedAgent, *, wait: timedelta
    ) -> NextMessage | None:
        """Hand over the next message; None if none came within *wait*.

        Wakes are hints: the record is looked at every few seconds anyway.
        """
        try:
            async with timeout(wait.total_seconds()):
                while True:
                    agent.woken.clear()
                    if found := await self._claimed(agent):
                        return found
                    await _woken(agent)
        except TimeoutError:
            return None

    def in_hand(self, agent: HostedAgent, message_id: UUID) -> MessageInHand:
        """Return what the agent works on; raises `MessageNotInHandError` for another.

        Only this very object's answer counts later: a message that was taken away and
        given again is another one.
        """
        in_hand = agent.in_hand
        if in_hand is None or in_hand.message_id != message_id:
            raise _not_in_hand(message_id)
        return in_hand

    def telling(self, agent: HostedAgent, in_hand: MessageInHand) -> ReplyStream:
        return ReplyStream(self._bus, in_hand, SecretMask(agent.secrets))

    async def finish(
        self,
        agent: HostedAgent,
        in_hand: MessageInHand,
        *,
        status: MessageStatus,
        content: str,
        failure: Failure | None,
    ) -> None:
        """Store the answer, masked; raises `MessageNotInHandError` if it comes late.

        Raises `UnavailableError` while another runner may host the agent by now.
        """
        self._tenure.require()
        message_id = in_hand.message_id
        if agent.in_hand is not in_hand:
            raise _not_in_hand(message_id)
        reason = _explained(failure, in_hand, agent)
        async with self._database.organization(agent.org_id) as transaction:
            stored = await repository.finish(
                transaction,
                agent.host,
                message_id=message_id,
                attempt=in_hand.attempt,
                status=status,
                reply=_storable(content, agent) if content else None,
                usage=in_hand.usage,
                explanation=reason,
                at=self._now(),
            )
        tell_outcome(in_hand.span, status, reason)
        agent.drop(message_id)
        if not stored:
            raise _not_in_hand(message_id)
        await self._tell_finished([message_id])

    async def acknowledge(
        self, org_id: UUID, agent_id: UUID, *, runner: str, epoch: int
    ) -> None:
        """Answer what waits for an agent in `ack_only` with the reason it is so."""
        async with self._database.organization(org_id) as transaction:
            acknowledged = await repository.acknowledge_waiting(
                transaction, agent_id, runner=runner, epoch=epoch, at=self._now()
            )
        await self._tell_finished(acknowledged)

    async def hand_back(
        self, org_id: UUID, agent_id: UUID, *, runner: str, epoch: int
    ) -> None:
        """Queue again what an agent had in hand that was told to stop."""
        async with self._database.organization(org_id) as transaction:
            await repository.hand_back(
                transaction, agent_id, runner=runner, epoch=epoch
            )

    async def take_back(
        self, org_id: UUID, agent_id: UUID, *, runner: str, epoch: int
    ) -> None:
        """Queue again what was lost with an agent, or bury it after too many times."""
        reason = explanation(
            "DELIVERY_FAILED",
            f"The message was lost with its agent {self._most_deliveries} times.",
        )
        async with self._database.organization(org_id) as transaction:
            await dead_letters.count_failed_delivery(
                transaction, agent_id, runner=runner, epoch=epoch
            )
            buried = await dead_letters.bury(
                transaction,
                agent_id,
                failed_deliveries=self._most_deliveries,
                reason=reason,
                at=self._now(),
            )
        await self._tell_finished(buried)

    async def _tell_finished(self, message_ids: list[UUID]) -> None:
        for message_id in message_ids:
            await self._bus.signal(
                MESSAGE_FINISHED, MessageFinished(message_id=message_id), key=message_id
            )

    async def _claimed(self, agent: HostedAgent) -> NextMessage | None:
        if not (self._tenure.is_held and agent.takes_messages(self._now())):
            return None
        async with agent.claiming:
            found = await self._claimed_alone(agent)
            if found is not None:
                _put_in_hand(agent, found.message)
        return found

    async def _claimed_alone(self, agent: HostedAgent) -> NextMessage | None:
        async with self._database.organization(agent.org_id) as transaction:
            message = await repository.claimed_by(
                transaction, agent.host
            ) or await repository.claim_next(transaction, agent.host)
            if message is None:
                return None
            turns = await history(
                transaction,
                thread_id=message.thread_id,
                before=message.position,
                limit=_HISTORY_TURNS,
            )
        return NextMessage(message, turns)


def _put_in_hand(agent: HostedAgent, message: ClaimedMessage) -> None:
    """Begin to count for a message, unless it is only told again."""
    known = agent.in_hand
    if known and (known.message_id, known.attempt) == (message.id, message.attempt):
        return
    if known:
        agent.drop(known.message_id)
    agent.in_hand = MessageInHand(
        message.id,
        message.thread_id,
        attempt=message.attempt,
        is_streamed=message.is_streamed,
        span=begin_handling(agent, message),
    )


def _storable(content: str, agent: HostedAgent) -> str:
    """Mask the agent's secrets, and what PostgreSQL's text cannot hold (U+0000)."""
    return SecretMask(agent.secrets).hide(content).replace("\0", "\ufffd")


def _explained(
    failure: Failure | None, in_hand: MessageInHand, agent: HostedAgent
) -> Explanation | None:
    """Explain a failure; what the agent chose to say of it is masked as an answer."""
    if failure is None:
        return None
    return agents_failure(
        _storable(failure.code, agent),
        _storable(failure.message, agent),
        of_the_call=in_hand.failure,
    )


async def _woken(agent: HostedAgent) -> None:
    try:
        async with timeout(_LOOK_AGAIN.total_seconds()):
            await agent.woken.wait()
    except TimeoutError:
        return


def _not_in_hand(message_id: UUID) -> MessageNotInHandError:
    return MessageNotInHandError(
        f"The message {message_id} is not in this agent's hand."
    )
