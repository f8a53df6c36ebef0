"""Staged secrets in PostgreSQL, each until it is put in place or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg

from credentials.envelope import Context, SealedSecret
from shared.database import Transaction
from shared.errors import ProviderNotFoundError

from .sealed_secrets import sealed_secret_in

__all__ = [
    "RotationState",
    "StagedSecret",
    "add_rotation",
    "discard",
    "forget_rotations",
    "lock_rotation",
    "retire_provider",
    "switched",
]


class RotationState(StrEnum):
    STAGED = "staged"
    SWITCHED = "switched"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class StagedSecret:
    """What becomes a provider's *version*; *secret* is None once it is not staged."""

    provider_id: UUID
    version: int
    state: RotationState
    secret: SealedSecret | None
    hint: str | None
    fields: list[str]
    expires_at: datetime | None


async def add_rotation(
    transaction: Transaction,
    rotation_id: UUID,
    context: Context,
    *,
    secret: SealedSecret,
    fields: Sequence[str],
    hint: str | None,
    expires_at: datetime | None,
) -> bool:
    """Stage what was sealed for *context*; False if the rotation is there already.

    Raises `ProviderNotFoundError` if the provider was deleted meanwhile.
    """
    try:
        added: bool | None = await transaction.fetchval(
            """
            INSERT INTO rotation (
                org_id, id, provider_id, version, encrypted_key, encrypted_dek,
                master_key_id, hint, fields, aws_session_expires_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (org_id, id) DO NOTHING
            RETURNING true
            """,
            context.org_id,
            rotation_id,
            context.provider_id,
            context.version,
            secret.encrypted_key,
            secret.encrypted_dek,
            secret.master_key_id,
            hint,
            fields,
            expires_at,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise ProviderNotFoundError(
            f"There is no provider {context.provider_id} any more."
        ) from error
    return bool(added)


async def lock_rotation(
    transaction: Transaction, rotation_id: UUID
) -> StagedSecret | None:
    """Read a staged secret that nobody else may settle meanwhile, None if none is."""
    row = await transaction.fetchrow(
        """
        SELECT provider_id, version, state, encrypted_key, encrypted_dek,
               master_key_id, hint, fields, aws_session_expires_at
        FROM rotation
        WHERE id = $1
        FOR UPDATE
        """,
        rotation_id,
    )
    return None if row is None else _staged(row)


async def switched(
    transaction: Transaction, rotation_id: UUID, *, expires_at: datetime | None
) -> None:
    """Note that the staged secret is its provider's now, and keep it here no longer.

    The provider becomes another version, complete, with this expiry.
    """
    await transaction.execute(
        """
        WITH rotation AS (
            UPDATE rotation
            SET state = 'switched',
                encrypted_key = NULL,
                encrypted_dek = NULL,
                master_key_id = NULL
            WHERE id = $1
            RETURNING org_id, provider_id
        )
        UPDATE provider p
        SET version = version + 1,
            updated_at = now(),
            missing = '{}',
            aws_session_expires_at = $2,
            expiry_warned_minutes = NULL
        FROM rotation r
        WHERE p.org_id = r.org_id AND p.id = r.provider_id
        """,
        rotation_id,
        expires_at,
    )


async def discard(transaction: Transaction, rotation_id: UUID) -> bool:
    """Drop a staged secret; False if it is none any more."""
    dropped: bool | None = await transaction.fetchval(
        """
        UPDATE rotation
        SET state = 'discarded',
            encrypted_key = NULL,
            encrypted_dek = NULL,
            master_key_id = NULL
        WHERE id = $1 AND state = 'staged'
        RETURNING true
        """,
        rotation_id,
    )
    return bool(dropped)


async def forget_rotations(transaction: Transaction, *, older_than: timedelta) -> None:
    """Drop what nobody works at any more, of all organizations."""
    await transaction.execute(
        "DELETE FROM rotation WHERE created_at < now() - $1::interval", older_than
    )


async def retire_provider(
    transaction: Transaction, provider_id: UUID, *, is_retiring: bool
) -> bool:
    """Set whether a provider is retiring; False if it was so already.

    It waits for claims that are being made: they hold the row until they are.
    """
    changed: bool | None = await transaction.fetchval(
        """
        UPDATE provider
        SET is_retiring = $2, version = version + 1, updated_at = now()
        WHERE id = $1 AND is_retiring <> $2
        RETURNING true
        """,
        provider_id,
        is_retiring,
    )
    return bool(changed)


def _staged(row: asyncpg.Record) -> StagedSecret:
    is_staged = row["state"] == RotationState.STAGED
    return StagedSecret(
        provider_id=row["provider_id"],
        version=row["version"],
        state=RotationState(row["state"]),
        secret=sealed_secret_in(row) if is_staged else None,
        hint=row["hint"],
        fields=row["fields"],
        expires_at=row["aws_session_expires_at"],
    )
