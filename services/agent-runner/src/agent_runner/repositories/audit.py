"""The audit entries of this service, written in the transaction of the act."""

from uuid import UUID

from shared.contracts.base import Question
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["note"]


async def note(
    transaction: Transaction, question: Question, act: str, object_id: UUID
) -> None:
    """Note that who asks did *act*, `noun.past_participle`, to *object_id*."""
    await transaction.execute(
        """
        INSERT INTO audit (
            id, org_id, at, actor_kind, actor_id, act, object_kind, object_id
        )
        VALUES ($1, $2, clock_timestamp(), $3, $4, $5, split_part($5, '.', 1), $6)
        """,
        new_id(),
        question.org_id,
        question.actor.kind,
        question.actor.id,
        act,
        object_id,
    )
