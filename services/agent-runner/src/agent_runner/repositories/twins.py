"""Adding one thing twice at once, as who asks again does.

`ON CONFLICT (id) DO NOTHING` leaves a row as it is that was committed before. Of one
that is being added just then, PostgreSQL would refuse the twin for its name, which is
unique, too.
"""

from uuid import UUID

from shared.database import Transaction

__all__ = ["wait_for_twins"]


async def wait_for_twins(transaction: Transaction, added: UUID) -> None:
    """Wait for whoever adds the id *added* meanwhile, until they have or have not."""
    await transaction.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(added)
    )
