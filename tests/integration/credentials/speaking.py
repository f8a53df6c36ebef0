"""Those who speak to the credentials service, as tests speak for them."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.bus import NatsBus
from shared.contracts.base import Actor, Empty, Page, PageQuestion, Signed
from shared.contracts.credentials import (
    CLAIM_USES,
    CREATE_PROVIDER,
    DELETE_PROVIDER,
    GET_PROVIDER,
    LEASE,
    LEASE_PURPOSE,
    LIST_PROVIDERS,
    RELEASE_USES,
    UPDATE_PROVIDER,
    ClaimUses,
    CreateProvider,
    LeasedCredential,
    LeaseRequest,
    Provider,
    ProviderPatch,
    ProviderQuestion,
    ProviderSubmission,
    ReleaseUses,
    UpdateProvider,
    lease_binding,
    submission_binding,
)
from shared.contracts.leasing import SealedLease
from shared.identity import Identity, PublicIdentity
from shared.ids import new_id
from shared.sealing import SealingKey, seal
from shared.signing import sign

__all__ = ["API_KEY", "KEY_PAIR", "SESSION", "Agent", "Operator", "Runner"]

API_KEY = "sk-test-one-0123456789-wxyz"
KEY_PAIR: dict[str, Any] = {
    "type": "bedrock",
    "api_key": None,
    "aws_region": "us-east-1",
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}
SESSION = KEY_PAIR | {
    "aws_access_key_id": "ASIAIOSFODNN7EXAMPLE",
    "aws_session_token": "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////",
}
OPERATOR = Actor(kind="api_key", id="key-1")
RUNNER = Actor(kind="service", id="runner-1")


@dataclass(frozen=True, slots=True)
class Operator:
    """Someone of one organization, through the gateway."""

    bus: NatsBus
    credentials: PublicIdentity
    org_id: UUID = field(default_factory=new_id)
    actor: Actor = OPERATOR

    async def create(
        self, name: str = "Main", *, provider_id: UUID | None = None, **fields: Any
    ) -> Provider:
        provider_id = provider_id or new_id()
        submission = ProviderSubmission.model_validate(
            {"name": name, "type": "openai", "api_key": API_KEY, **fields}
        )
        return await self.bus.ask(
            CREATE_PROVIDER,
            CreateProvider(
                org_id=self.org_id,
                actor=self.actor,
                provider_id=provider_id,
                sealed=self.sealed(submission.model_dump_json(), provider_id),
            ),
        )

    async def update(
        self, provider_id: UUID, *, if_version: int | None = None, **fields: Any
    ) -> Provider:
        patch = ProviderPatch.model_validate(fields)
        return await self.bus.ask(
            UPDATE_PROVIDER,
            UpdateProvider(
                org_id=self.org_id,
                actor=self.actor,
                provider_id=provider_id,
                sealed=self.sealed(patch.model_dump_json(), provider_id),
                if_version=if_version,
            ),
        )

    async def delete(self, provider_id: UUID) -> Empty:
        return await self.bus.ask(DELETE_PROVIDER, self._about(provider_id))

    async def get(self, provider_id: UUID) -> Provider:
        return await self.bus.ask(GET_PROVIDER, self._about(provider_id))

    async def list(self, **page: Any) -> Page[Provider]:
        return await self.bus.ask(
            LIST_PROVIDERS, PageQuestion(org_id=self.org_id, actor=self.actor, **page)
        )

    def sealed(self, words: str, provider_id: UUID) -> bytes:
        return seal(
            words.encode(),
            to=self.credentials.sealing_key,
            info=submission_binding(self.org_id, provider_id),
        )

    def _about(self, provider_id: UUID) -> ProviderQuestion:
        return ProviderQuestion(
            org_id=self.org_id, actor=self.actor, provider_id=provider_id
        )


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner that hosts agents of one organization."""

    bus: NatsBus
    org_id: UUID
    identity: Identity
    name: str = "runner-1"
    actor: Actor = RUNNER
    key: SealingKey = field(default_factory=SealingKey.generate)

    async def claim(
        self,
        agent_id: UUID,
        *provider_ids: UUID,
        generation: int = 1,
        name: str = "Ada",
    ) -> None:
        await self.bus.ask(
            CLAIM_USES,
            ClaimUses(
                org_id=self.org_id,
                actor=self.actor,
                agent_id=agent_id,
                agent_name=name,
                provider_ids=list(provider_ids),
                generation=generation,
            ),
        )

    async def release(self, agent_id: UUID, *, generation: int) -> None:
        await self.bus.ask(
            RELEASE_USES,
            ReleaseUses(
                org_id=self.org_id,
                actor=self.actor,
                agent_id=agent_id,
                generation=generation,
            ),
        )

    async def ask(self, signed: Signed) -> SealedLease:
        return await self.bus.ask(LEASE, signed)

    def signed(self, *, by: Identity | None = None, **words: Any) -> Signed:
        usual = {
            "runner": self.name,
            "epoch": 1,
            "org_id": self.org_id,
            "purpose": "agent",
            "public_key": self.key.public_key,
            "nonce": os.urandom(16),
            "issued_at": datetime.now(UTC),
        }
        request = LeaseRequest.model_validate(usual | words)
        return sign(request, purpose=LEASE_PURPOSE, by=by or self.identity)

    def opened(self, lease: SealedLease, signed: Signed) -> LeasedCredential:
        plain = self.key.open(lease.sealed, info=lease_binding(signed.body))
        return LeasedCredential.model_validate_json(plain)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a runner, and the one provider it uses."""

    runner: Runner
    provider_id: UUID
    id: UUID = field(default_factory=new_id)

    async def claim(self, *, generation: int = 1) -> None:
        await self.runner.claim(self.id, self.provider_id, generation=generation)

    async def lease(self, **changes: Any) -> LeasedCredential:
        signed = self.signed(**changes)
        return self.runner.opened(await self.runner.ask(signed), signed)

    def signed(self, **changes: Any) -> Signed:
        about = {"agent_id": self.id, "provider_id": self.provider_id}
        return self.runner.signed(**(about | changes))
