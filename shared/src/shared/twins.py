"""Adding one thing twice at once, as who asks again does.

`ON CONFLICT` of one constraint does what it says about a row that was committed before.
Of one that is being added just then, PostgreSQL would refuse the twin for another
constraint: a name that is unique, too.
"""

from uuid import UUID

from .database import Transaction

__all__ = ["wait_for_twins"]


async def wait_for_twins(transaction: Transaction, added: UUID) -> None:
    """Wait for whoever adds the id *added* meanwhile, until they have or have not."""
    await transaction.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(added)
    )
