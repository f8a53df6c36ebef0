"""The audit: who did what to which object, written in the transaction of the act."""

from uuid import UUID

from shared.contracts.base import Actor
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["note"]


async def note(
    transaction: Transaction,
    *,
    org_id: UUID,
    actor: Actor,
    act: str,
    object_id: UUID,
) -> None:
    """Add an entry; *act* is `noun.past_participle`, the noun the kind of object."""
    object_kind, _, participle = act.partition(".")
    await transaction.execute(
        """
        INSERT INTO audit
            (id, org_id, at, actor_kind, actor_id, act, object_kind, object_id)
        VALUES ($1, $2, now(), $3, $4, $5, $6, $7)
        """,
        new_id(),
        org_id,
        actor.kind,
        actor.id,
        participle,
        object_kind,
        object_id,
    )
