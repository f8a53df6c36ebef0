"""The switch that keeps every secret closed, in PostgreSQL: always one row."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.base import Actor
from shared.database import Transaction

__all__ = ["Frozen", "frozen", "set_frozen", "set_unfrozen"]


@dataclass(frozen=True, slots=True)
class Frozen:
    at: datetime
    by: Actor


async def frozen(transaction: Transaction) -> Frozen | None:
    """Tell since when all is frozen, and by whom; None while it is not."""
    row = await transaction.fetchrow(
        """
        SELECT frozen_at, actor_kind, actor_id
        FROM freeze_switch
        WHERE frozen_at IS NOT NULL
        """
    )
    if row is None:
        return None
    return Frozen(row["frozen_at"], Actor(kind=row["actor_kind"], id=row["actor_id"]))


async def set_frozen(transaction: Transaction, by: Actor) -> bool:
    """Freeze; False if all was frozen already."""
    changed: bool | None = await transaction.fetchval(
        """
        UPDATE freeze_switch
        SET frozen_at = now(), actor_kind = $1, actor_id = $2
        WHERE frozen_at IS NULL
        RETURNING true
        """,
        by.kind,
        by.id,
    )
    return bool(changed)


async def set_unfrozen(transaction: Transaction) -> bool:
    """Unfreeze; False if nothing was frozen."""
    changed: bool | None = await transaction.fetchval(
        """
        UPDATE freeze_switch
        SET frozen_at = NULL, actor_kind = NULL, actor_id = NULL
        WHERE frozen_at IS NOT NULL
        RETURNING true
        """
    )
    return bool(changed)
