"""Who makes model calls, as the proxy sees it."""

from typing import Protocol
from uuid import UUID

from shared.contracts.agent_types import AgentType

from .hosted_agents import MessageInHand
from .leases import HeldLease
from .proof import Proof

__all__ = ["Callers", "ModelCaller"]


class ModelCaller(Protocol):
    """An agent that may call: hosted here, or external."""

    @property
    def id(self) -> UUID: ...

    @property
    def org_id(self) -> UUID: ...

    @property
    def agent_type(self) -> AgentType: ...

    @property
    def lease(self) -> HeldLease: ...

    @property
    def secrets(self) -> frozenset[str]: ...

    @property
    def in_hand(self) -> MessageInHand | None: ...

    async def lease_of(self, provider_id: UUID) -> HeldLease | None:
        """Give the lease of its provider or of a fallback; None if it has none."""
        ...


class Callers(Protocol):
    """The agents that one listener serves."""

    def known(self, proof: Proof, *, reached_at: str) -> ModelCaller | None:
        """Identify who surely may call now; None where `caller` must say."""

    async def caller(
        self, *, key: str, url_token: str | None, reached_at: str
    ) -> ModelCaller:
        """Identify who calls, by the token in the address if there is one, or the key.

        Raises `InvalidAgentTokenError`, `CredentialMismatchError`, what a lease is
        refused with, and `UnavailableError` while nothing can be known for certain.
        """
        ...
