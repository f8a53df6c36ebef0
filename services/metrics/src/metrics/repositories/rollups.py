"""Rollups in PostgreSQL, as the transactions that change them see them.

Whoever changes rollups first holds their organizations, in a fixed order: no two such
transactions wait for one another.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from metrics.rollups.rollups import Minute, Rollup
from shared.database import Transaction

__all__ = ["Turns", "hold_organizations", "lock_of", "mend_rollups"]

_LOCKS = 2658  # what the advisory locks are about; ours alone
_LOCKS_AT_MOST = 64  # organizations share some, for PostgreSQL has not many


class Turns:
    """Queues those of this process who are about to change the same rollups.

    Before they begin a transaction: one that waited inside it would keep PostgreSQL
    from clearing away what the others leave behind at every change of a row.
    """

    def __init__(self) -> None:
        self._locks = [asyncio.Lock() for _ in range(_LOCKS_AT_MOST)]

    @asynccontextmanager
    async def of(self, org_ids: Iterable[UUID]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for number in _locks_of(org_ids):
                await stack.enter_async_context(self._locks[number])
            yield


async def hold_organizations(transaction: Transaction, org_ids: Iterable[UUID]) -> None:
    """Let nobody else change rollups of these organizations until the end."""
    await transaction.execute(
        """
        SELECT pg_advisory_xact_lock($1, number)
        FROM unnest($2::integer[]) AS number
        """,
        _LOCKS,
        _locks_of(org_ids),
    )


def _locks_of(org_ids: Iterable[UUID]) -> list[int]:
    return sorted({lock_of(org_id) for org_id in org_ids})


def lock_of(org_id: UUID) -> int:
    """Return the lock that holds an organization; few of the others have the same."""
    return org_id.int % _LOCKS_AT_MOST


async def mend_rollups(
    transaction: Transaction, rollups: Mapping[Minute, Rollup]
) -> None:
    """Add cost and unpriced calls to the rollups that are still there.

    What is kept no longer, old minutes, is not made again. Nothing of the organizations
    is fresh.
    """
    if not rollups:
        return
    await transaction.execute(
        """
        WITH change AS (
            SELECT
                grain.name AS grain,
                org_id,
                dimension,
                key,
                date_bin(grain.length, starts_at, grain.origin) AS starts_at,
                sum(cost) AS cost,
                sum(unpriced_calls) AS unpriced_calls
            FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::timestamptz[],
                $5::numeric[], $6::bigint[]
            ) AS change (org_id, dimension, key, starts_at, cost, unpriced_calls)
            CROSS JOIN grain
            GROUP BY 1, 2, 3, 4, 5
        )
        UPDATE rollup
        SET
            cost = rollup.cost + change.cost,
            unpriced_calls = rollup.unpriced_calls + change.unpriced_calls
        FROM change
        WHERE rollup.grain = change.grain
            AND rollup.org_id = change.org_id
            AND rollup.dimension = change.dimension
            AND rollup.key = change.key
            AND rollup.starts_at = change.starts_at
        """,
        *zip(
            *(
                (*minute, rollup.figures.cost, rollup.figures.unpriced_calls)
                for minute, rollup in rollups.items()
            ),
            strict=True,
        ),
    )
