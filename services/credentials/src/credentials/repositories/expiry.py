"""Credentials that expire, and which of their steps was told last, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database import Transaction

__all__ = ["ExpiringCredential", "expiring", "note_told"]


@dataclass(frozen=True, slots=True)
class ExpiringCredential:
    """*told_minutes* is the step that was told last, 0 the expiry itself."""

    org_id: UUID
    provider_id: UUID
    provider_name: str
    credential_version: int
    expires_at: datetime
    told_minutes: int | None


async def expiring(
    transaction: Transaction, *, before: datetime
) -> list[ExpiringCredential]:
    """List what expires before a moment and whose expiry was not told, of everybody."""
    rows = await transaction.fetch(
        """
        SELECT p.org_id, p.id AS provider_id, p.name AS provider_name,
               c.version AS credential_version,
               p.aws_session_expires_at AS expires_at,
               p.expiry_warned_minutes AS told_minutes
        FROM provider p
        JOIN credential_version c ON c.org_id = p.org_id AND c.provider_id = p.id
        WHERE p.aws_session_expires_at <= $1
          AND (p.expiry_warned_minutes IS NULL OR p.expiry_warned_minutes > 0)
        ORDER BY p.aws_session_expires_at
        """,
        before,
    )
    return [ExpiringCredential(**row) for row in rows]


async def note_told(
    transaction: Transaction, credential: ExpiringCredential, *, minutes: int
) -> None:
    """Note a step; an expiry that was changed meanwhile begins anew."""
    await transaction.execute(
        """
        UPDATE provider
        SET expiry_warned_minutes = $4
        WHERE org_id = $1 AND id = $2 AND aws_session_expires_at = $3
        """,
        credential.org_id,
        credential.provider_id,
        credential.expires_at,
        minutes,
    )
