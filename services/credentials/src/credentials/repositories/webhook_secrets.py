"""Sealed secrets of webhooks, and leases of them, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from credentials.envelope import SealedSecret, WebhookContext
from shared.database import Transaction

from .sealed_secrets import sealed_secret_in

__all__ = [
    "StoredWebhookSecret",
    "WebhookLease",
    "add_webhook_lease",
    "forget_webhook_leases",
    "keep_webhook_secret",
    "remove_webhook_secret",
    "stored_webhook_secret",
]


@dataclass(frozen=True, slots=True)
class StoredWebhookSecret:
    """A secret, still sealed, and what its own row says that it is bound to."""

    context: WebhookContext
    secret: SealedSecret


@dataclass(frozen=True, slots=True)
class WebhookLease:
    id: UUID
    org_id: UUID
    webhook_id: UUID
    nonce: bytes
    granted_at: datetime
    expires_at: datetime


async def keep_webhook_secret(
    transaction: Transaction, context: WebhookContext, secret: SealedSecret
) -> bool:
    """Keep a secret, the last of one origin; False if there is one of another."""
    kept: bool | None = await transaction.fetchval(
        """
        INSERT INTO webhook_secret (
            org_id, webhook_id, origin, encrypted_key, encrypted_dek, master_key_id
        )
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, webhook_id) DO UPDATE
        SET encrypted_key = excluded.encrypted_key,
            encrypted_dek = excluded.encrypted_dek,
            master_key_id = excluded.master_key_id
        WHERE webhook_secret.origin = excluded.origin
        RETURNING true
        """,
        context.org_id,
        context.webhook_id,
        context.origin,
        secret.encrypted_key,
        secret.encrypted_dek,
        secret.master_key_id,
    )
    return bool(kept)


async def remove_webhook_secret(transaction: Transaction, webhook_id: UUID) -> bool:
    """Remove a secret with its leases; False if there is none."""
    removed: bool | None = await transaction.fetchval(
        "DELETE FROM webhook_secret WHERE webhook_id = $1 RETURNING true", webhook_id
    )
    return bool(removed)


async def stored_webhook_secret(
    transaction: Transaction, webhook_id: UUID
) -> StoredWebhookSecret | None:
    """Read a webhook's sealed secret; it does not change until the end."""
    row = await transaction.fetchrow(
        """
        SELECT org_id, webhook_id, origin, encrypted_key, encrypted_dek, master_key_id
        FROM webhook_secret
        WHERE webhook_id = $1
        FOR SHARE
        """,
        webhook_id,
    )
    if row is None:
        return None
    return StoredWebhookSecret(
        WebhookContext(row["org_id"], row["webhook_id"], row["origin"]),
        sealed_secret_in(row),
    )


async def add_webhook_lease(transaction: Transaction, lease: WebhookLease) -> bool:
    """Store a lease; False if its nonce was seen before."""
    added: bool | None = await transaction.fetchval(
        """
        INSERT INTO webhook_lease (
            org_id, id, webhook_id, nonce, granted_at, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT ON CONSTRAINT webhook_lease_nonce_unique DO NOTHING
        RETURNING true
        """,
        lease.org_id,
        lease.id,
        lease.webhook_id,
        lease.nonce,
        lease.granted_at,
        lease.expires_at,
    )
    return bool(added)


async def forget_webhook_leases(
    transaction: Transaction, *, expired_before: datetime
) -> None:
    """Drop leases of all organizations; what they were is in the audit."""
    await transaction.execute(
        "DELETE FROM webhook_lease WHERE expires_at < $1", expired_before
    )
