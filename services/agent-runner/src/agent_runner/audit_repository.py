"""The audit entries of this service, written in the transaction of the act."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Question
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["note"]


async def note(
    transaction: Transaction,
    question: Question,
    *,
    act: str,
    object_kind: str,
    object_id: UUID,
    at: datetime,
) -> None:
    await transaction.execute(
        """
        INSERT INTO audit (
            id, org_id, at, actor_kind, actor_id, act, object_kind, object_id
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        new_id(),
        question.org_id,
        at,
        question.actor.kind,
        question.actor.id,
        act,
        object_kind,
        object_id,
    )
