"""Which external agents may call, known from memory.

Every runner holds the hashes of all their tokens, so that a wrong one costs no query.
A signal names who has changed, and whoever it names is looked up before the next call;
without NATS, each second's look at the record finds it. Without either for 10 s nobody
is let in, for a token may have been revoked.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from agent_runner.attempts import Attempts, Refused
from agent_runner.hosted_agents import MessageInHand
from agent_runner.leases import HeldLease
from agent_runner.proof import Proof
from agent_runner.repositories.external_agents import Change, ExternalAgent
from agent_runner.tenure import Monotonic, boot_time
from shared.agent_tokens import hash_token, is_token
from shared.contracts.agent_runner import ExternalAgentChanged
from shared.contracts.agent_types import AgentType
from shared.errors import AppError, InvalidAgentTokenError, UnavailableError
from shared.lifecycle import every
from shared.timeouts import timeout

from .shared_leases import SharedLeases

__all__ = ["ExternalCaller", "ExternalCallers"]

log = structlog.get_logger(__name__)

_LOOK_EVERY = timedelta(seconds=1)
_LOOK_WITHIN_SECONDS = 2.0
_CERTAIN_FOR_SECONDS = 10.0
_REMEMBERED_FOR_SECONDS = 600.0  # what is gone is kept for longer, for us to read

ReadChanges = Callable[[int], Awaitable[list[Change]]]
"""Reads what changed after a number, in the order of the numbers; after 0: all."""


@dataclass(frozen=True, slots=True)
class ExternalCaller:
    """One call's agent; it is given no messages."""

    id: UUID
    org_id: UUID
    agent_type: AgentType
    lease: HeldLease
    token: str = field(repr=False)
    fallback_lease: Callable[[UUID], Awaitable[HeldLease]] = field(repr=False)
    in_hand: MessageInHand | None = None

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret that an answer to it must not repeat."""
        fields = self.lease.credential.fields.values()
        return frozenset({self.token, *(each.get_secret_value() for each in fields)})

    async def lease_of(self, provider_id: UUID) -> HeldLease | None:
        """Give the lease of its provider or of a fallback (`callers.ModelCaller`)."""
        if provider_id == self.agent_type.provider_id:
            return self.lease
        try:
            return await self.fallback_lease(provider_id)
        except AppError as error:
            log.warning("fallback.not_leased", reason=error.message)
            return None


class ExternalCallers:
    """*reaches_bus* says whether signals can come through right now."""

    def __init__(
        self,
        *,
        read_changes: ReadChanges,
        reaches_bus: Callable[[], Awaitable[bool]],
        leases: SharedLeases,
        attempts: Attempts,
        clock: Monotonic = boot_time,
    ) -> None:
        self._read_changes = read_changes
        self._reaches_bus = reaches_bus
        self._leases = leases
        self._attempts = attempts
        self._clock = clock
        self._by_id: dict[UUID, ExternalAgent] = {}
        self._by_hash: dict[bytes, ExternalAgent] = {}
        self._latest = 0
        self._suspects: dict[UUID, ExternalAgentChanged] = {}
        self._certain_at: float | None = None
        self._read_at = float("-inf")
        self._not_before = 0.0
        self._looking = asyncio.Lock()
        self._woken = asyncio.Event()

    def changed(self, change: ExternalAgentChanged) -> None:
        """Believe nothing about an agent any more, until it is looked up."""
        self._suspects[change.agent_id] = change
        self._woken.set()

    async def run(self) -> None:
        await every(_LOOK_EVERY, self._look, name="external_agents", woken=self._woken)

    def known(self, proof: Proof, *, reached_at: str) -> None:
        """Leave it to `caller`, which may have to look up and to lease."""
        del proof, reached_at

    async def caller(
        self, *, key: str, url_token: str | None, reached_at: str
    ) -> ExternalCaller:
        """Identify an external agent by its key: no address of ours holds its token."""
        del reached_at
        hashed = hash_token(key) if url_token is None and is_token(key) else b""
        agent = self._known(hashed)
        if agent is None or agent.id in self._suspects:
            await self._catch_up()
            agent = self._known(hashed)
        self._require_certainty(agent)
        if agent is None:
            self._attempts.note(Refused.EXTERNAL_TOKEN)
            raise InvalidAgentTokenError(
                "The agent token is unknown or no longer valid."
            )
        return ExternalCaller(
            id=agent.id,
            org_id=agent.org_id,
            agent_type=agent.agent_type,
            lease=await self._leases.of(agent),
            token=key,
            fallback_lease=partial(self._leases.of, agent),
        )

    def _known(self, hashed: bytes) -> ExternalAgent | None:
        """Find whose token it is.

        Its hash is looked up and compared, so the time taken says nothing about it.
        """
        agent = self._by_hash.get(hashed)
        if agent is None or not hmac.compare_digest(agent.token_hash, hashed):
            return None
        return agent

    def _require_certainty(self, agent: ExternalAgent | None) -> None:
        """Raise `UnavailableError` if what is known may have ceased to be true."""
        if self._certain_at is None:
            raise UnavailableError("This runner has not read its agents yet.")
        silence = self._clock() - self._certain_at
        is_suspect = agent is not None and agent.id in self._suspects
        if is_suspect or silence >= _CERTAIN_FOR_SECONDS:
            raise UnavailableError(
                "This runner is cut off: it cannot know whether the token still counts."
            )

    async def _catch_up(self) -> None:
        """Read what signals have told of, but not again and again where that fails."""
        async with self._looking:
            if self._suspects and self._clock() >= self._not_before:
                with suppress(AppError, TimeoutError):
                    await self._read()

    async def _look(self) -> None:
        """Read what has changed; where that fails, find out if we would be told."""
        async with self._looking:
            asked_at = self._clock()
            try:
                await self._read()
            except (AppError, TimeoutError):
                if self._certain_at is None or not await self._reaches_bus():
                    raise
                self._certain_at = asked_at

    async def _read(self) -> None:
        """Read what has changed; who is named again meanwhile stays suspect."""
        asked_at, suspects = self._clock(), self._suspects.copy()
        self._not_before = asked_at + _LOOK_EVERY.total_seconds()
        begins_anew = asked_at - self._read_at > _REMEMBERED_FOR_SECONDS
        async with timeout(_LOOK_WITHIN_SECONDS):
            changes = await self._read_changes(0 if begins_anew else self._latest)
        if begins_anew:
            self._by_id.clear()
            self._by_hash.clear()
        for change in changes:
            self._learn(change)
        self._suspects = {
            agent_id: change
            for agent_id, change in self._suspects.items()
            if suspects.get(agent_id) is not change
        }
        self._certain_at = self._read_at = self._not_before = asked_at

    def _learn(self, change: Change) -> None:
        if before := self._by_id.pop(change.agent_id, None):
            self._by_hash.pop(before.token_hash, None)
        if change.agent is not None:
            self._by_id[change.agent_id] = change.agent
            self._by_hash[change.agent.token_hash] = change.agent
        self._latest = change.number
