"""An organization always keeps a way in as its owner."""

from uuid import UUID

from shared.database import Transaction
from shared.errors import ConflictError

__all__ = ["lock_owners", "require_an_owner"]


async def lock_owners(transaction: Transaction, org_id: UUID) -> None:
    """Let changes of who owns it follow one another, so that one owner is left."""
    await transaction.execute(
        "SELECT id FROM organization WHERE id = $1 FOR NO KEY UPDATE", org_id
    )


async def require_an_owner(transaction: Transaction) -> None:
    """Raise `ConflictError` if neither a person nor a key is an owner any more."""
    is_left = await transaction.fetchval(
        """
        SELECT EXISTS (
            SELECT
            FROM api_key
            WHERE role = 'owner'
              AND scopes IS NULL
              AND revoked_at IS NULL
              AND expires_at IS NULL
        ) OR EXISTS (
            SELECT
            FROM user_account
            WHERE role = 'owner' AND is_enabled AND password_hash IS NOT NULL
        )
        """
    )
    if not is_left:
        raise ConflictError("This is the last owner; make another one first.")
