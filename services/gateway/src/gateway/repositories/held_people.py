"""Holding a person, so that what was read of them still holds when it is acted on."""

from uuid import UUID

from shared.database import Transaction
from shared.errors import LoginRefusedError

__all__ = ["hold_person", "require_password"]


async def hold_person(transaction: Transaction, user_id: UUID) -> None:
    """Let nobody change a person, or their links and sessions, until the end.

    Whoever changes those holds the person first: no two wait for one another.
    """
    await transaction.execute(
        "SELECT FROM user_account WHERE id = $1 FOR NO KEY UPDATE", user_id
    )


async def require_password(
    transaction: Transaction, user_id: UUID, password_hash: str | None
) -> None:
    """Hold a person who may still come in by the password that was checked.

    To check one takes a while. Raises `LoginRefusedError` if it was changed meanwhile,
    or the person disabled or removed.
    """
    if not await transaction.fetchval(
        """
        SELECT true
        FROM user_account
        WHERE id = $1 AND password_hash = $2 AND is_enabled
        FOR NO KEY UPDATE
        """,
        user_id,
        password_hash,
    ):
        raise LoginRefusedError("The password is not the right one any more.")
