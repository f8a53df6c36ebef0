"""The agents this process hosts right now, found by id or by token.

All of it is in memory: what must outlive the process is in PostgreSQL and the spool.
"""

import asyncio
import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import repeat
from typing import Any
from uuid import UUID

from shared.agent_tokens import hash_token
from shared.contracts.agent_types import AgentType
from shared.contracts.base import Explanation
from shared.contracts.conversations import MessageUsage
from shared.errors import (
    CredentialMismatchError,
    InvalidAgentTokenError,
    UnavailableError,
)
from shared.tracing import NO_SPAN, Span

from .attempts import Attempts, Refused
from .leases import HeldLease
from .proof import Proof, hash_key
from .repositories.messages import Host
from .runtimes.runtime import Exited
from .tenure import Tenure
from .used import Used

__all__ = ["HostedAgent", "HostedAgents", "MessageInHand"]


_TOOL_CALLS_READ_AT_ONCE = 4


def _future() -> "asyncio.Future[Exited | None]":
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class MessageInHand:
    """The message an agent works on, and what its model calls have come to so far.

    *failure* says why the last call failed or was refused, None if it did not.
    *next_index* numbers the pieces of its reply that were told to whoever reads along.
    Its *span* is told once it is in hand no more.
    """

    message_id: UUID
    thread_id: UUID
    attempt: int = 1
    is_streamed: bool = False
    usage: MessageUsage = field(default_factory=MessageUsage)
    failure: Explanation | None = None
    next_index: int = 0
    span: Span = NO_SPAN

    def add(self, usage: Used, *, failure: Explanation | None = None) -> None:
        """Count one call; None stays None until a call reports a figure."""
        self.failure = failure
        input_tokens = _sum(
            self.usage.input_tokens,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
        )
        output_tokens = _sum(self.usage.output_tokens, usage.output_tokens)
        self.usage = MessageUsage(
            calls=self.usage.calls + 1,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_tokens=_sum(input_tokens, output_tokens),
        )


@dataclass(slots=True)
class HostedAgent:
    """One incarnation of an agent, from before its launch until it has stopped.

    *lease* is swapped when the provider changes, which *lease_is_stale* asks for;
    *fallback_leases* are those of the fallbacks that can be had; *claimed* are the
    providers whose uses it holds. While it is *not_ready* its messages are acknowledged
    with that reason; of several requests for a message one is *claiming* at a time, and
    of several bodies that hold the call of a tool a few are *reading*.
    *given* are the keys its process has, whatever is leased since, and *delivered*
    their hashes: that is how its calls are recognized. Of its type, what holds at once
    is that of *type_version*, the newest when it was read. *first_sign* is None at its
    first contact, or its exit.
    """

    host: Host
    org_id: UUID
    name: str
    agent_type: AgentType
    lease: HeldLease
    address: str
    token: str = field(repr=False)
    started_at: datetime
    given: frozenset[str] = field(default=frozenset(), repr=False)
    delivered: frozenset[bytes] = frozenset()
    lease_is_stale: bool = False
    fallback_leases: dict[UUID, HeldLease] = field(default_factory=dict)
    claimed: frozenset[UUID] = frozenset()
    type_version: int = 0
    not_ready: Explanation | None = None
    in_hand: MessageInHand | None = None
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: asyncio.Semaphore = field(
        default_factory=partial(asyncio.Semaphore, _TOOL_CALLS_READ_AT_ONCE)
    )
    replying: "asyncio.Task[Any] | None" = None
    is_stopping: bool = False
    exit: Exited | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    first_sign: "asyncio.Future[Exited | None]" = field(default_factory=_future)

    @property
    def id(self) -> UUID:
        return self.host.agent_id

    @contextmanager
    def only_reply(self) -> Iterator[None]:
        """End the reply that is still being read, if there is one, by its connection.

        Whoever sends a second has given up the first, and each may hold megabytes.
        """
        if self.replying is not None:
            self.replying.cancel()
        this = self.replying = asyncio.current_task()
        try:
            yield
        finally:
            if self.replying is this:
                self.replying = None

    @property
    def leases(self) -> tuple[HeldLease, ...]:
        """Those of its provider and of its fallbacks, as far as they can be had."""
        return (self.lease, *self.fallback_leases.values())

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret its process knows, for the mask over what it says."""
        fields = self.lease.credential.fields.values()
        leased = (each.get_secret_value() for each in fields)
        return self.given.union({self.token}, leased)

    @property
    def leased_secrets(self) -> frozenset[str]:
        """Those, and what is leased for it besides: none may leave by a tool."""
        return self.secrets.union(
            secret.get_secret_value()
            for each in self.leases
            for secret in each.credential.fields.values()
        )

    def takes_messages(self, now: datetime) -> bool:
        """Say whether a model could be asked: no message goes where none could."""
        return not (self.is_stopping or self.not_ready) and self.is_served(now)

    def is_served(self, now: datetime) -> bool:
        """Say whether its provider or a fallback may be asked."""
        return any(each.serves(now) for each in self.leases)

    async def lease_of(self, provider_id: UUID) -> HeldLease | None:
        """Give the lease of its provider or of a fallback (`callers.ModelCaller`)."""
        if provider_id == self.agent_type.provider_id:
            return self.lease
        return self.fallback_leases.get(provider_id)

    def drop(self, message_id: UUID) -> None:
        """Take a message out of its hand: nobody wants the answer any more."""
        if self.in_hand is not None and self.in_hand.message_id == message_id:
            self.in_hand.span.end()
            self.in_hand = None

    @property
    def is_over(self) -> bool:
        """Say whether it ended, by itself or because it was told to."""
        return self.exit is not None or self.is_stopping

    def deliver(self, secrets: Iterable[str]) -> None:
        """Note what its process is given."""
        self.given = frozenset(secrets)
        self.delivered = frozenset(map(hash_key, self.given))

    def has_spoken(self) -> None:
        if not self.first_sign.done():
            self.first_sign.set_result(None)

    def has_exited(self, exited: Exited) -> None:
        self.exit = exited
        if not self.first_sign.done():
            self.first_sign.set_result(exited)

    def was_given(self, key: str) -> bool:
        return self.has_hash_of(hash_key(key))

    def has_hash_of(self, presented: bytes) -> bool:
        return any(map(hmac.compare_digest, self.delivered, repeat(presented)))


class HostedAgents:
    """*attempts* are those of agents that were refused, until they are told of."""

    def __init__(self, tenure: Tenure) -> None:
        self.attempts = Attempts()
        self._tenure = tenure
        self._by_id: dict[UUID, HostedAgent] = {}
        self._by_token: dict[bytes, HostedAgent] = {}

    def __iter__(self) -> Iterator[HostedAgent]:
        return iter(list(self._by_id.values()))

    def add(self, agent: HostedAgent) -> None:
        self._by_id[agent.id] = agent
        self._by_token[hash_token(agent.token)] = agent

    def remove(self, agent: HostedAgent) -> None:
        """Forget an agent; its token is dead from here on."""
        self._by_id.pop(agent.id, None)
        self._by_token.pop(hash_token(agent.token), None)
        if agent.in_hand is not None:
            agent.in_hand.span.fail("unanswered")
            agent.in_hand.span.end()

    def find(self, agent_id: UUID) -> HostedAgent | None:
        return self._by_id.get(agent_id)

    async def caller(
        self, *, key: str, url_token: str | None, reached_at: str
    ) -> HostedAgent:
        """Identify who makes a model call (`callers.Callers`)."""
        agent = self.identify(url_token or key, reached_at=reached_at)
        if url_token is not None and not agent.was_given(key):
            self.attempts.note(Refused.KEY, of=agent.id)
            raise CredentialMismatchError(
                "The key of this call is not the one this agent was given."
            )
        return agent

    def known(self, proof: Proof, *, reached_at: str) -> HostedAgent | None:
        """Identify who surely may call now (`callers.Callers`)."""
        agent = self._by_token.get(proof.token)
        if agent is None or agent.address != reached_at:
            return None
        if proof.key is not None and not agent.has_hash_of(proof.key):
            return None
        return agent if self._tenure.admits_calls else None

    def identify(self, token: str, *, reached_at: str) -> HostedAgent:
        """Find the agent of *token*, which counts only on its own network.

        The hash is looked up, so the time taken says nothing about the token. Raises
        `UnavailableError` where another runner may have hosted the agent for long.
        """
        agent = self._by_token.get(hash_token(token))
        if agent is None or agent.address != reached_at:
            self.attempts.note(Refused.TOKEN, of=self._only_one_at(reached_at))
            raise InvalidAgentTokenError(
                "The agent token is unknown or no longer valid."
            )
        if not self._tenure.admits_calls:
            raise UnavailableError("This runner has lost touch with its record.")
        return agent

    def _only_one_at(self, address: str) -> UUID | None:
        """Return who calls at an address, unless several agents share it."""
        there = [each.id for each in self if each.address == address]
        return there[0] if len(there) == 1 else None


def _sum(*counts: int | None) -> int | None:
    known = [each for each in counts if each is not None]
    return sum(known) if known else None
