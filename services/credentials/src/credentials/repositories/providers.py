"""Providers and their sealed secrets in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from credentials.envelope import Context, SealedSecret
from credentials.providers.configuration import Configuration
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderChanged,
    ProviderLimits,
    ProviderStatus,
    ProviderType,
)
from shared.contracts.held_providers import HeldProvider
from shared.database import Transaction
from shared.errors import ConflictError, NameTakenError, ProviderNotFoundError

__all__ = [
    "add_provider",
    "change_provider",
    "changed_providers",
    "external_id",
    "fingerprint_of",
    "lock_provider",
    "provider",
    "providers",
    "put_secret",
    "remove_provider",
    "sealed_secret",
]

_SELECT = """
SELECT p.id, p.name, p.type, p.use_case, p.labels, p.base_url, p.aws_region,
       p.aws_role_arn, p.aws_session_expires_at, p.missing, p.limits, p.enabled,
       p.is_retiring, p.version, p.created_at, p.updated_at,
       p.aws_session_expires_at <= clock_timestamp() AS has_expired,
       c.version AS credential_version, c.hint, c.fields,
       e.external_id
FROM provider p
JOIN credential_version c ON c.org_id = p.org_id AND c.provider_id = p.id
LEFT JOIN external_id e ON e.org_id = p.org_id AND p.type = 'bedrock'
"""


async def add_provider(
    transaction: Transaction,
    *,
    org_id: UUID,
    provider_id: UUID,
    provider_type: ProviderType,
    configuration: Configuration,
    missing: Sequence[str],
    fingerprint: bytes,
) -> None:
    """Add a row. Raises `NameTakenError`, or `ConflictError` if the id is taken."""
    try:
        await transaction.execute(
            """
            INSERT INTO provider (
                org_id, id, type, submission_fingerprint,
                name, use_case, labels, base_url, aws_region, aws_role_arn,
                aws_session_expires_at, limits, enabled, missing
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            org_id,
            provider_id,
            provider_type,
            fingerprint,
            configuration.name,
            configuration.use_case,
            configuration.labels,
            configuration.base_url,
            configuration.aws_region,
            configuration.aws_role_arn,
            configuration.aws_session_expires_at,
            configuration.limits.model_dump(),
            configuration.enabled,
            missing,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "provider_name_unique":
            raise _name_taken(configuration) from error
        raise ConflictError(
            f"A provider with the id {provider_id} exists already."
        ) from error


async def change_provider(
    transaction: Transaction,
    provider_id: UUID,
    configuration: Configuration,
    *,
    missing: Sequence[str],
) -> None:
    """Make *configuration* the row's next version. Raises `NameTakenError`.

    Another expiry has not been warned of yet.
    """
    try:
        await transaction.execute(
            """
            UPDATE provider
            SET name = $2, use_case = $3, labels = $4, base_url = $5, limits = $6,
                enabled = $7, aws_region = $8, aws_role_arn = $9, missing = $10,
                expiry_warned_minutes = CASE
                    WHEN aws_session_expires_at IS DISTINCT FROM $11 THEN NULL
                    ELSE expiry_warned_minutes
                END,
                aws_session_expires_at = $11, version = version + 1, updated_at = now()
            WHERE id = $1
            """,
            provider_id,
            configuration.name,
            configuration.use_case,
            configuration.labels,
            configuration.base_url,
            configuration.limits.model_dump(),
            configuration.enabled,
            configuration.aws_region,
            configuration.aws_role_arn,
            missing,
            configuration.aws_session_expires_at,
        )
    except asyncpg.UniqueViolationError as error:
        raise _name_taken(configuration) from error


async def put_secret(
    transaction: Transaction,
    context: Context,
    *,
    secret: SealedSecret,
    fields: Sequence[str],
    hint: str | None,
) -> None:
    """Store what was sealed for *context*; the version before it is overwritten.

    *fields* names what is inside.
    """
    await transaction.execute(
        """
        INSERT INTO credential_version (
            org_id, provider_id, version, encrypted_key, encrypted_dek,
            master_key_id, hint, fields
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (org_id, provider_id) DO UPDATE
        SET version = excluded.version,
            encrypted_key = excluded.encrypted_key,
            encrypted_dek = excluded.encrypted_dek,
            master_key_id = excluded.master_key_id,
            hint = excluded.hint,
            fields = excluded.fields,
            created_at = excluded.created_at
        """,
        context.org_id,
        context.provider_id,
        context.version,
        secret.encrypted_key,
        secret.encrypted_dek,
        secret.master_key_id,
        hint,
        fields,
    )


async def sealed_secret(
    transaction: Transaction, provider_id: UUID, *, version: int
) -> SealedSecret | None:
    """Read a stored secret; None if *version* is not the stored one any more."""
    row = await transaction.fetchrow(
        """
        SELECT encrypted_key, encrypted_dek, master_key_id
        FROM credential_version
        WHERE provider_id = $1 AND version = $2
        """,
        provider_id,
        version,
    )
    return None if row is None else SealedSecret(**row)


async def external_id(transaction: Transaction, org_id: UUID, *, fresh: str) -> str:
    """Return the organization's external id for roles: *fresh*, if it had none."""
    found: str = await transaction.fetchval(
        """
        INSERT INTO external_id (org_id, external_id)
        VALUES ($1, $2)
        ON CONFLICT (org_id) DO UPDATE SET external_id = external_id.external_id
        RETURNING external_id
        """,
        org_id,
        fresh,
    )
    return found


async def provider(transaction: Transaction, provider_id: UUID) -> Provider:
    """Read a provider. Raises `ProviderNotFoundError`."""
    row = await transaction.fetchrow(f"{_SELECT} WHERE p.id = $1", provider_id)
    return _found(row, provider_id)


async def lock_provider(transaction: Transaction, provider_id: UUID) -> Provider:
    """Read a provider and keep changes, claims and leases of it waiting.

    Both rows are locked: after a wait, PostgreSQL reads anew only what it locks.
    """
    row = await transaction.fetchrow(
        f"{_SELECT} WHERE p.id = $1 FOR UPDATE OF p, c", provider_id
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


async def changed_providers(
    connection: Transaction, held: Sequence[HeldProvider]
) -> list[ProviderChanged]:
    """Find those that are gone or have another version, of all organizations."""
    rows = await connection.fetch(
        """
        SELECT held.org_id, held.provider_id
        FROM unnest($1::uuid[], $2::uuid[], $3::integer[])
            AS held (org_id, provider_id, version)
        LEFT JOIN provider p ON p.org_id = held.org_id AND p.id = held.provider_id
        WHERE p.version IS DISTINCT FROM held.version
        """,
        [each.org_id for each in held],
        [each.provider_id for each in held],
        [each.version for each in held],
    )
    return [ProviderChanged(**row) for row in rows]


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
        aws_region=row["aws_region"],
        aws_role_arn=row["aws_role_arn"],
        aws_external_id=row["external_id"],
        limits=ProviderLimits.model_validate(row["limits"]),
        enabled=row["enabled"],
        is_retiring=row["is_retiring"],
        status=_status(row),
        credential=CredentialState(
            version=row["credential_version"],
            hint=row["hint"],
            expires_at=row["aws_session_expires_at"],
            missing=row["missing"],
            fields=row["fields"],
        ),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _status(row: asyncpg.Record) -> ProviderStatus:
    if row["missing"]:
        return ProviderStatus.INCOMPLETE
    return ProviderStatus.EXPIRED if row["has_expired"] else ProviderStatus.READY
