"""Leases in PostgreSQL, and the sealed secrets that they are rights to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from credentials.envelope import SealedSecret
from shared.contracts.credentials import LeasePurpose, ProviderLimits, ProviderType
from shared.database import Transaction

from .sealed_secrets import sealed_secret_in

__all__ = [
    "LeasableProvider",
    "Lease",
    "StoredProvider",
    "add_lease",
    "forget_leases",
    "staged_provider",
    "stored_provider",
    "used_provider",
]


@dataclass(frozen=True, slots=True)
class LeasableProvider:
    """A provider as a lease tells of it.

    *missing* and *expires_at* say whether its credential is of any use.
    """

    org_id: UUID
    id: UUID
    type: ProviderType
    name: str
    use_case: str | None
    labels: dict[str, str]
    base_url: str | None
    aws_region: str | None
    aws_role_arn: str | None
    external_id: str | None
    missing: list[str]
    expires_at: datetime | None
    enabled: bool
    credential_version: int
    limits: ProviderLimits
    version: int


@dataclass(frozen=True, slots=True)
class StoredProvider:
    """A provider that is kept, its secret still sealed.

    What the secret is bound to are the row's own columns: *org_id*, *id*,
    *credential_version* and *base_url*.
    """

    provider: LeasableProvider
    secret: SealedSecret


@dataclass(frozen=True, slots=True)
class Lease:
    """A trial is of no provider that is kept, and of no version; see `LeasePurpose`."""

    id: UUID
    org_id: UUID
    purpose: LeasePurpose
    provider_id: UUID | None
    agent_id: UUID | None
    credential_version: int | None
    runner: str
    nonce: bytes
    granted_at: datetime
    expires_at: datetime


_OF_PROVIDER = """
    p.org_id, p.id, p.type, p.name, p.use_case, p.labels, p.base_url, p.aws_region,
    p.aws_role_arn, p.enabled, p.limits, p.version, e.external_id
"""
_SEALED = """
    c.version AS credential_version, c.encrypted_key, c.encrypted_dek, c.master_key_id
"""
_COLUMNS = f"{_OF_PROVIDER}, {_SEALED}, p.aws_session_expires_at, p.missing"


async def stored_provider(
    transaction: Transaction, provider_id: UUID
) -> StoredProvider | None:
    """Read a provider; its rows stay as they are until the transaction ends."""
    row = await transaction.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM provider p
        JOIN credential_version c ON c.org_id = p.org_id AND c.provider_id = p.id
        LEFT JOIN external_id e ON e.org_id = p.org_id
        WHERE p.id = $1
        FOR SHARE OF p, c
        """,  # noqa: S608 - our own columns
        provider_id,
    )
    return None if row is None else _stored_provider(row)


async def staged_provider(
    transaction: Transaction, provider_id: UUID, *, rotation_id: UUID
) -> StoredProvider | None:
    """Read a provider with the secret that is staged for it, as if it were in use."""
    row = await transaction.fetchrow(
        f"""
        SELECT {_OF_PROVIDER}, {_SEALED}, c.aws_session_expires_at,
               '{{}}'::text[] AS missing
        FROM provider p
        JOIN rotation c ON c.org_id = p.org_id AND c.provider_id = p.id
        LEFT JOIN external_id e ON e.org_id = p.org_id
        WHERE p.id = $1 AND c.id = $2 AND c.state = 'staged'
        FOR SHARE OF p, c
        """,  # noqa: S608 - our own columns
        provider_id,
        rotation_id,
    )
    return None if row is None else _stored_provider(row)


async def used_provider(
    transaction: Transaction, *, agent_id: UUID | None, provider_id: UUID
) -> StoredProvider | None:
    """Read a provider if the agent uses it; no agent uses none.

    The use and the rows of the provider stay as they are until the transaction ends,
    and are of one moment: after a wait, PostgreSQL reads anew only what it locks.
    """
    row = await transaction.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM use u
        JOIN provider p ON p.org_id = u.org_id AND p.id = u.provider_id
        JOIN credential_version c ON c.org_id = p.org_id AND c.provider_id = p.id
        LEFT JOIN external_id e ON e.org_id = p.org_id
        WHERE u.agent_id = $1 AND u.provider_id = $2
        FOR SHARE OF u, p, c
        """,  # noqa: S608 - our own columns
        agent_id,
        provider_id,
    )
    return None if row is None else _stored_provider(row)


async def add_lease(transaction: Transaction, lease: Lease) -> bool:
    """Store a lease; False if its nonce was seen before."""
    added: bool | None = await transaction.fetchval(
        """
        INSERT INTO lease (
            org_id, id, purpose, provider_id, agent_id, credential_version, runner,
            nonce, granted_at, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT ON CONSTRAINT lease_nonce_unique DO NOTHING
        RETURNING true
        """,
        lease.org_id,
        lease.id,
        lease.purpose,
        lease.provider_id,
        lease.agent_id,
        lease.credential_version,
        lease.runner,
        lease.nonce,
        lease.granted_at,
        lease.expires_at,
    )
    return bool(added)


async def forget_leases(transaction: Transaction, *, expired_before: datetime) -> None:
    """Drop leases of all organizations; what they were is in the audit."""
    await transaction.execute("DELETE FROM lease WHERE expires_at < $1", expired_before)


def _stored_provider(row: asyncpg.Record) -> StoredProvider:
    return StoredProvider(
        LeasableProvider(
            org_id=row["org_id"],
            id=row["id"],
            type=ProviderType(row["type"]),
            name=row["name"],
            use_case=row["use_case"],
            labels=row["labels"],
            base_url=row["base_url"],
            aws_region=row["aws_region"],
            aws_role_arn=row["aws_role_arn"],
            external_id=row["external_id"],
            missing=row["missing"],
            expires_at=row["aws_session_expires_at"],
            enabled=row["enabled"],
            credential_version=row["credential_version"],
            limits=ProviderLimits.model_validate(row["limits"]),
            version=row["version"],
        ),
        sealed_secret_in(row),
    )
