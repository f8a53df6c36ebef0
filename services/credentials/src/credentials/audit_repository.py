"""The audit: who did what to which object, written in the transaction of the act."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue
from structlog.contextvars import get_contextvars

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
    object_kind: str,
    object_id: UUID,
    details: Mapping[str, JsonValue],
) -> None:
    """Add an entry; *act* is `noun.past_participle`, *details* hold nothing secret."""
    await transaction.execute(
        """
        INSERT INTO audit (
            org_id, id, actor_kind, actor_id, act, object_kind, object_id, details,
            request_id
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        org_id,
        new_id(),
        actor.kind,
        actor.id,
        act,
        object_kind,
        object_id,
        dict(details),
        get_contextvars().get("request_id"),
    )
