"""Providers and their sealed secrets in PostgreSQL."""

from uuid import UUID

import asyncpg

from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderStatus,
    ProviderType,
)
from shared.database import Transaction
from shared.errors import ConflictError, NameTakenError, ProviderNotFoundError

from .configuration import Configuration
from .envelope import Context, SealedSecret

__all__ = [
    "add_provider",
    "change_provider",
    "fingerprint_of",
    "lock_provider",
    "provider",
    "providers",
    "put_secret",
    "remove_provider",
]

_SELECT = """
SELECT p.id, p.name, p.type, p.use_case, p.labels, p.base_url, p.limits, p.enabled,
       p.version, p.created_at, p.updated_at,
       c.version AS credential_version, c.hint
FROM provider p
JOIN credential_version c ON c.org_id = p.org_id AND c.provider_id = p.id
"""


async def add_provider(
    transaction: Transaction,
    *,
    org_id: UUID,
    provider_id: UUID,
    provider_type: ProviderType,
    configuration: Configuration,
    fingerprint: bytes,
) -> None:
    """Add a row. Raises `NameTakenError`, or `ConflictError` if the id is taken."""
    try:
        await transaction.execute(
            """
            INSERT INTO provider (
                org_id, id, type, submission_fingerprint,
                name, use_case, labels, base_url, limits, enabled
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            org_id,
            provider_id,
            provider_type,
            fingerprint,
            configuration.name,
            configuration.use_case,
            configuration.labels,
            configuration.base_url,
            configuration.limits.model_dump(),
            configuration.enabled,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "provider_name_unique":
            raise _name_taken(configuration) from error
        raise ConflictError(
            f"A provider with the id {provider_id} exists already."
        ) from error


async def change_provider(
    transaction: Transaction, provider_id: UUID, configuration: Configuration
) -> None:
    """Make *configuration* the row's next version. Raises `NameTakenError`."""
    try:
        await transaction.execute(
            """
            UPDATE provider
            SET name = $2, use_case = $3, labels = $4, base_url = $5, limits = $6,
                enabled = $7, version = version + 1, updated_at = now()
            WHERE id = $1
            """,
            provider_id,
            configuration.name,
            configuration.use_case,
            configuration.labels,
            configuration.base_url,
            configuration.limits.model_dump(),
            configuration.enabled,
        )
    except asyncpg.UniqueViolationError as error:
        raise _name_taken(configuration) from error


async def put_secret(
    transaction: Transaction,
    context: Context,
    *,
    secret: SealedSecret,
    hint: str | None,
) -> None:
    """Store what was sealed for *context*; the version before it is overwritten."""
    await transaction.execute(
        """
        INSERT INTO credential_version (
            org_id, provider_id, version, encrypted_key, encrypted_dek,
            master_key_id, hint
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (org_id, provider_id) DO UPDATE
        SET version = excluded.version,
            encrypted_key = excluded.encrypted_key,
            encrypted_dek = excluded.encrypted_dek,
            master_key_id = excluded.master_key_id,
            hint = excluded.hint,
            created_at = excluded.created_at
        """,
        context.org_id,
        context.provider_id,
        context.version,
        secret.encrypted_key,
        secret.encrypted_dek,
        secret.master_key_id,
        hint,
    )


async def provider(transaction: Transaction, provider_id: UUID) -> Provider:
    row = await transaction.fetchrow(f"{_SELECT} WHERE p.id = $1", provider_id)
    return _found(row, provider_id)


async def lock_provider(transaction: Transaction, provider_id: UUID) -> Provider:
    """Read a provider and keep changes, claims and leases of it waiting.

    Both rows are locked: after a wait, PostgreSQL reads anew only what it locks.
    """
    row = await transaction.fetchrow(
        f"{_SELECT} WHERE p.id = $1 FOR UPDATE", provider_id
    )
    return _found(row, provider_id)


async def providers(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[Provider]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        {_SELECT}
        WHERE $1::uuid IS NULL OR p.id < $1
        ORDER BY p.id DESC
        LIMIT $2
        """,
        before,
        limit,
    )
    return [_provider(row) for row in rows]


async def fingerprint_of(transaction: Transaction, provider_id: UUID) -> bytes | None:
    """Return the fingerprint of the submission that made the row; None for no row."""
    fingerprint: bytes | None = await transaction.fetchval(
        "SELECT submission_fingerprint FROM provider WHERE id = $1", provider_id
    )
    return fingerprint


async def remove_provider(transaction: Transaction, provider_id: UUID) -> None:
    """Remove a locked provider with its secret; the database refuses one in use."""
    await transaction.execute("DELETE FROM provider WHERE id = $1", provider_id)


def _name_taken(configuration: Configuration) -> NameTakenError:
    return NameTakenError(f'A provider is named "{configuration.name}" already.')


def _found(row: asyncpg.Record | None, provider_id: UUID) -> Provider:
    if row is None:
        raise ProviderNotFoundError(f"There is no provider {provider_id}.")
    return _provider(row)


def _provider(row: asyncpg.Record) -> Provider:
    return Provider(
        id=row["id"],
        name=row["name"],
        type=ProviderType(row["type"]),
        use_case=row["use_case"],
        labels=row["labels"],
        base_url=row["base_url"],
        limits=ProviderLimits.model_validate(row["limits"]),
        enabled=row["enabled"],
        status=ProviderStatus.READY,
        credential=CredentialState(version=row["credential_version"], hint=row["hint"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
