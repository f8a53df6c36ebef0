"""The metrics service, as it asks for the secrets of webhooks."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.bus import NatsBus
from shared.contracts.base import Actor, Signed
from shared.contracts.webhook_secrets import (
    FORGET_WEBHOOK_SECRET,
    KEEP_WEBHOOK_SECRET,
    LEASE_WEBHOOK_SECRET,
    WEBHOOK_LEASE_PURPOSE,
    ForgetWebhookSecret,
    KeepWebhookSecret,
    LeasedWebhook,
    WebhookLeaseRequest,
    WebhookSubmission,
    webhook_lease_binding,
    webhook_submission_binding,
)
from shared.identity import Identity, PublicIdentity
from shared.sealing import SealingKey, seal
from shared.signing import sign

__all__ = ["ORIGIN", "SECRET", "URL", "Metrics"]

ORIGIN = "https://hooks.example.com"
URL = f"{ORIGIN}/services/T00/token-in-the-path"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_OPERATOR = Actor(kind="api_key", id="key-1")


@dataclass(frozen=True, slots=True)
class Metrics:
    bus: NatsBus
    org_id: UUID
    identity: Identity
    credentials: PublicIdentity
    key: SealingKey = field(default_factory=SealingKey.generate)

    async def keep(
        self,
        webhook_id: UUID,
        *,
        sealed_for: UUID | None = None,
        origin: str = ORIGIN,
        url: str = URL,
        secret: str = SECRET,
    ) -> None:
        submission = WebhookSubmission.model_validate({"url": url, "secret": secret})
        sealed = seal(
            submission.model_dump_json().encode(),
            to=self.credentials.sealing_key,
            info=webhook_submission_binding(self.org_id, sealed_for or webhook_id),
        )
        question = KeepWebhookSecret(
            org_id=self.org_id,
            actor=_OPERATOR,
            webhook_id=webhook_id,
            origin=origin,
            sealed=sealed,
        )
        await self.bus.ask(KEEP_WEBHOOK_SECRET, question)

    async def forget(self, webhook_id: UUID) -> None:
        question = ForgetWebhookSecret(
            org_id=self.org_id, actor=_OPERATOR, webhook_id=webhook_id
        )
        await self.bus.ask(FORGET_WEBHOOK_SECRET, question)

    async def lease(self, webhook_id: UUID) -> LeasedWebhook:
        return await self.leased(self.signed(webhook_id))

    async def leased(self, signed: Signed) -> LeasedWebhook:
        reply = await self.bus.ask(LEASE_WEBHOOK_SECRET, signed)
        plain = self.key.open(reply.sealed, info=webhook_lease_binding(signed.body))
        return LeasedWebhook.model_validate_json(plain)

    def signed(
        self, webhook_id: UUID, *, by: Identity | None = None, **words: Any
    ) -> Signed:
        usual = {
            "org_id": self.org_id,
            "webhook_id": webhook_id,
            "public_key": self.key.public_key,
            "nonce": os.urandom(16),
            "issued_at": datetime.now(UTC),
        }
        request = WebhookLeaseRequest.model_validate(usual | words)
        return sign(request, purpose=WEBHOOK_LEASE_PURPOSE, by=by or self.identity)
