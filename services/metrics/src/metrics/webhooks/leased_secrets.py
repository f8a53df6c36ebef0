"""The secrets of webhooks, leased from the credentials service while they are used."""

from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.webhook_secrets import (
    LEASE_WEBHOOK_SECRET,
    WEBHOOK_LEASE_PURPOSE,
    LeasedWebhook,
    WebhookLeaseRequest,
)
from shared.identity import Identity, PublicIdentity
from shared.leasing import LeaseAsker, Leased

__all__ = ["LeasedSecrets"]


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
        self._asker = LeaseAsker(
            bus=bus,
            identity=identity,
            credentials=credentials,
            endpoint=LEASE_WEBHOOK_SECRET,
            purpose=WEBHOOK_LEASE_PURPOSE,
            plaintext=LeasedWebhook,
        )
        self._now = now
        self._held: dict[UUID, Leased[LeasedWebhook]] = {}
        self._forgettings = 0

    async def of(self, org_id: UUID, webhook_id: UUID) -> LeasedWebhook:
        """Return a webhook's URL and secret.

        Raises `LeaseRefusedError`, also when the answer is not the pinned service's,
        and what the credentials service raises.
        """
        held = self._held.get(webhook_id)
        if held is None or held.expires_at <= self._now():
            forgettings = self._forgettings
            held = await self._obtained(org_id, webhook_id)
            if forgettings == self._forgettings:
                self._held[webhook_id] = held
        return held.plaintext

    def forget(self, webhook_id: UUID) -> None:
        """Hold it no longer, even where it is being leased right now."""
        self._forgettings += 1
        self._held.pop(webhook_id, None)

    def forget_ended(self) -> None:
        now = self._now()
        self._held = {
            webhook_id: held
            for webhook_id, held in self._held.items()
            if now < held.expires_at
        }

    async def _obtained(self, org_id: UUID, webhook_id: UUID) -> Leased[LeasedWebhook]:
        def request_of(public_key: bytes, nonce: bytes) -> WebhookLeaseRequest:
            return WebhookLeaseRequest(
                org_id=org_id,
                webhook_id=webhook_id,
                public_key=public_key,
                nonce=nonce,
                issued_at=self._now(),
            )

        return await self._asker.obtain(request_of)
