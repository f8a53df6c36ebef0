"""Warnings before temporary credentials expire, and the word when they have."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog

from credentials.repositories import expiry as repository
from credentials.repositories.expiry import ExpiringCredential
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.credential_events import (
    CREDENTIAL_EXPIRED,
    CREDENTIAL_EXPIRING,
    CredentialExpired,
    CredentialExpiring,
)
from shared.contracts.credentials import PROVIDER_CHANGED, ProviderChanged
from shared.database import Database

__all__ = ["WARNED_AT_MINUTES", "ExpiryWatch", "step_due"]

log = structlog.get_logger(__name__)

WARNED_AT_MINUTES = (60, 15, 5)
_EXPIRED = 0
_EARLIEST = timedelta(minutes=max(WARNED_AT_MINUTES))


def step_due(
    expires_at: datetime, *, told_minutes: int | None, now: datetime
) -> int | None:
    """Return what is to be told now: minutes of `WARNED_AT_MINUTES`, 0 for expired.

    None if nothing is, or the same was told already (*told_minutes*). A step that time
    has passed over is not told late.
    """
    left = expires_at - now
    reached = [
        minutes
        for minutes in (*WARNED_AT_MINUTES, _EXPIRED)
        if left <= timedelta(minutes=minutes)
    ]
    if not reached or (told_minutes is not None and told_minutes <= min(reached)):
        return None
    return min(reached)


class ExpiryWatch:
    """Tells each step once: what was told stands in the provider's row."""

    def __init__(self, database: Database, bus: Bus, *, now: Clock = utc_now) -> None:
        self._database = database
        self._bus = bus
        self._now = now

    async def look(self) -> None:
        """Tell what has become due.

        First told, then noted: whoever dies between tells it again under the same id,
        by which the event stream and its readers drop it.
        """
        now = self._now()
        async with self._database.sweep() as transaction:
            found = await repository.expiring(transaction, before=now + _EARLIEST)
        for credential in found:
            step = step_due(
                credential.expires_at, told_minutes=credential.told_minutes, now=now
            )
            if step is not None:
                await self._tell(credential, step)

    async def _tell(self, credential: ExpiringCredential, step: int) -> None:
        await self._publish(credential, step)
        async with self._database.sweep() as transaction:
            await repository.note_told(transaction, credential, minutes=step)
        await self._bus.signal(
            PROVIDER_CHANGED,
            ProviderChanged(
                org_id=credential.org_id, provider_id=credential.provider_id
            ),
        )
        log.info(
            "credential.expiry_told",
            provider=str(credential.provider_id),
            minutes=step,
        )

    async def _publish(self, credential: ExpiringCredential, step: int) -> None:
        if step == _EXPIRED:
            await self._bus.publish(
                CREDENTIAL_EXPIRED,
                CredentialExpired(
                    id=_event_id(credential, step),
                    org_id=credential.org_id,
                    provider_id=credential.provider_id,
                    provider_name=credential.provider_name,
                    credential_version=credential.credential_version,
                    expires_at=credential.expires_at,
                ),
            )
            return
        await self._bus.publish(
            CREDENTIAL_EXPIRING,
            CredentialExpiring(
                id=_event_id(credential, step),
                org_id=credential.org_id,
                provider_id=credential.provider_id,
                provider_name=credential.provider_name,
                credential_version=credential.credential_version,
                expires_at=credential.expires_at,
                warned_at_minutes=step,
            ),
        )


def _event_id(credential: ExpiringCredential, step: int) -> UUID:
    """Make the same id for the same step, whoever tells it and however often."""
    at = credential.expires_at.isoformat()
    told = f"{credential.org_id}/{credential.provider_id}/{at}/{step}"
    return uuid5(NAMESPACE_OID, told)
