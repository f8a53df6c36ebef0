"""Leases: a signed question for a provider's plaintext, and its sealed answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor
from shared.contracts.credentials import (
    LEASE,
    LEASE_PURPOSE,
    LeasedCredential,
    LeasePurpose,
    LeaseRequest,
)
from shared.identity import Identity, PublicIdentity
from shared.leasing import LeaseAsker

__all__ = ["HeldLease", "Leases"]


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A plaintext in this process's memory, and until when we may hold it."""

    id: UUID
    credential: LeasedCredential
    obtained_at: datetime
    expires_at: datetime

    def serves(self, now: datetime) -> bool:
        """Say whether calls may go out with it: not disabled, and not at its end."""
        ends = self.credential.expires_at
        return self.credential.enabled and (ends is None or now < ends)

    def is_past_half(self, now: datetime) -> bool:
        return now - self.obtained_at > (self.expires_at - self.obtained_at) / 2


class AboutProvider(Protocol):
    """A question about one provider, and who asks it."""

    @property
    def org_id(self) -> UUID: ...

    @property
    def actor(self) -> Actor: ...

    @property
    def provider_id(self) -> UUID: ...


class Leases:
    """Asks in the name of one runner; trusts only the pinned credentials service."""

    def __init__(
        self,
        *,
        bus: Bus,
        identity: Identity,
        credentials: PublicIdentity,
        runner: str,
        epoch: int,
        now: Clock = utc_now,
    ) -> None:
        self._asker = LeaseAsker(
            bus=bus,
            identity=identity,
            credentials=credentials,
            endpoint=LEASE,
            purpose=LEASE_PURPOSE,
            plaintext=LeasedCredential,
        )
        self._runner = runner
        self._epoch = epoch
        self._now = now

    async def obtain(
        self, *, org_id: UUID, agent_id: UUID, provider_id: UUID
    ) -> HeldLease:
        """Lease a provider's credential for an agent that has a use of it.

        Raises `LeaseRefusedError`, also when the answer is not the pinned service's.
        """
        return await self._obtained(
            purpose=LeasePurpose.AGENT,
            org_id=org_id,
            agent_id=agent_id,
            provider_id=provider_id,
        )

    async def obtain_once(
        self,
        purpose: LeasePurpose,
        question: AboutProvider,
        *,
        submission: bytes | None = None,
        rotation_id: UUID | None = None,
    ) -> HeldLease:
        """Lease for the one call that *question* asks for; raises as `obtain` does.

        *submission* is a provider on trial, sealed to the credentials service;
        *rotation_id* is of the staged secret that is tested.
        """
        return await self._obtained(
            purpose=purpose,
            org_id=question.org_id,
            actor=question.actor,
            provider_id=question.provider_id,
            submission=submission,
            rotation_id=rotation_id,
        )

    async def _obtained(
        self,
        *,
        purpose: LeasePurpose,
        org_id: UUID,
        provider_id: UUID,
        agent_id: UUID | None = None,
        actor: Actor | None = None,
        submission: bytes | None = None,
        rotation_id: UUID | None = None,
    ) -> HeldLease:
        def request_of(public_key: bytes, nonce: bytes) -> LeaseRequest:
            return LeaseRequest(
                runner=self._runner,
                epoch=self._epoch,
                org_id=org_id,
                agent_id=agent_id,
                provider_id=provider_id,
                purpose=purpose,
                actor=actor,
                submission=submission,
                rotation_id=rotation_id,
                public_key=public_key,
                nonce=nonce,
                issued_at=self._now(),
            )

        leased = await self._asker.obtain(request_of)
        return HeldLease(
            id=leased.id,
            credential=leased.plaintext,
            obtained_at=self._now(),
            expires_at=leased.expires_at,
        )
