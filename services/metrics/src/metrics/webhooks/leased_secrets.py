"""The secrets of webhooks, leased from the credentials service while they are used."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.credentials import SealedLease
from shared.contracts.webhook_secrets import (
    LEASE_WEBHOOK_SECRET,
    WEBHOOK_LEASE_PURPOSE,
    WEBHOOK_LEASE_REPLY_PURPOSE,
    LeasedWebhook,
    WebhookLeaseRequest,
    webhook_lease_binding,
)
from shared.errors import LeaseRefusedError
from shared.identity import Identity, PublicIdentity
from shared.sealing import SealBrokenError, SealingKey
from shared.signing import sign, signed_bytes

__all__ = ["LeasedSecrets"]

_NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class _Held:
    leased: LeasedWebhook
    expires_at: datetime


class LeasedSecrets:
    """Holds each until its lease ends; trusts only the pinned credentials service."""

    def __init__(
        self,
        *,
        bus: Bus,
        identity: Identity,
        credentials: PublicIdentity,
        now: Clock,
    ) -> None:
        self._bus = bus
        self._identity = identity
        self._credentials = credentials
        self._now = now
        self._held: dict[UUID, _Held] = {}

    async def of(self, org_id: UUID, webhook_id: UUID) -> LeasedWebhook:
        """Return a webhook's URL and secret.

        Raises `LeaseRefusedError`, also when the answer is not the pinned service's,
        and what the credentials service raises.
        """
        held = self._held.get(webhook_id)
        if held is None or held.expires_at <= self._now():
            held = await self._obtained(org_id, webhook_id)
            self._held[webhook_id] = held
        return held.leased

    def forget(self, webhook_id: UUID) -> None:
        self._held.pop(webhook_id, None)

    def forget_ended(self) -> None:
        now = self._now()
        self._held = {
            webhook_id: held
            for webhook_id, held in self._held.items()
            if now < held.expires_at
        }

    async def _obtained(self, org_id: UUID, webhook_id: UUID) -> _Held:
        key = SealingKey.generate()
        request = WebhookLeaseRequest(
            org_id=org_id,
            webhook_id=webhook_id,
            public_key=key.public_key,
            nonce=secrets.token_bytes(_NONCE_BYTES),
            issued_at=self._now(),
        )
        signed = sign(request, purpose=WEBHOOK_LEASE_PURPOSE, by=self._identity)
        reply = await self._bus.ask(LEASE_WEBHOOK_SECRET, signed)
        return _Held(self._opened(reply, signed.body, key), reply.expires_at)

    def _opened(
        self, reply: SealedLease, body: bytes, key: SealingKey
    ) -> LeasedWebhook:
        words = signed_bytes(WEBHOOK_LEASE_REPLY_PURPOSE, body, reply.sealed)
        if not self._credentials.verifies(reply.signature, words):
            raise LeaseRefusedError(
                "The lease was not signed by the credentials service."
            )
        try:
            plaintext = key.open(reply.sealed, info=webhook_lease_binding(body))
        except SealBrokenError as error:
            raise LeaseRefusedError(
                "The lease was sealed for another question."
            ) from error
        return LeasedWebhook.model_validate_json(plaintext)
