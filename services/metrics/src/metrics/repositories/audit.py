"""The audit entries of this service, written in the transaction of the act."""

from typing import Any
from uuid import UUID

from shared.contracts.base import Actor
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["note"]


async def note(
    transaction: Transaction,
    org_id: UUID,
    actor: Actor,
    *,
    act: str,
    object_kind: str,
    object_id: UUID,
    details: dict[str, Any],
) -> None:
    await transaction.execute(
        """
        INSERT INTO audit (
            org_id, id, actor_kind, actor_id, act, object_kind, object_id, details
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        org_id,
        new_id(),
        actor.kind,
        actor.id,
        act,
        object_kind,
        object_id,
        details,
    )
