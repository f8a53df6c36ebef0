"""What was counted a moment ago: summed up by the minute, then folded into the rollups.

A batch changes one row for each thing that its calls count under, instead of one for
each grain as well. Whoever asks for sums adds what is fresh to the rollups. Both are
changed while their organizations are held (see `rollups`).

A sketch grows by what is laid before it, for PostgreSQL logs of a changed row what is
not the same at its end; it is packed anew when it has grown long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from uuid import UUID

import asyncpg
import structlog

from metrics.rollups.rollups import Figures, Minute, Rollup
from metrics.rollups.sketch import Sketch
from shared.database import Database, Transaction

from .rollups import Turns, hold_organizations, lock_of

__all__ = ["LONG", "PostgresFolding", "add_to_fresh_rollups", "fold_all_of"]

log = structlog.get_logger(__name__)

LONG = 1_500  # bytes; PostgreSQL keeps a row of 2,000 in one piece
_FOLDED_AT_ONCE = 1_000  # so that counting has its turn in between

_FIGURES = ", ".join(Figures._fields)
_SUMS = ", ".join(f"sum({each})" for each in Figures._fields)
_GROWING = ", ".join(
    [
        "response_times = excluded.response_times || there.response_times",
        *(f"{each} = there.{each} + excluded.{each}" for each in Figures._fields),
    ]
)
_MINUTE = {
    "org_id": "uuid",
    "dimension": "text",
    "key": "text",
    "starts_at": "timestamptz",
}
_ROLLUP = {"grain": "text", **_MINUTE}
_OF_FRESH = ", ".join(f"fresh_rollup.{each}" for each in _MINUTE)


class PostgresFolding:
    def __init__(self, database: Database, turns: Turns) -> None:
        self._database = database
        self._turns = turns

    async def fold(self) -> None:
        """Move all that is fresh right now to the rollups, some of it at a time."""
        async with self._database.sweep() as transaction:
            fresh = await _fresh_minutes(transaction)
        for minutes in _by_lock(fresh):
            await self._fold_some(minutes)

    async def _fold_some(self, minutes: Sequence[Minute]) -> None:
        """Fold *minutes* at once; halve them until each that is refused stands alone.

        No column holds such a sum: it stays where it is, and keeps no other from going.
        """
        org_ids = {each.org_id for each in minutes}
        try:
            async with (
                self._turns.of(org_ids),
                self._database.sweep() as transaction,
            ):
                await hold_organizations(transaction, org_ids)
                await _fold(transaction, minutes)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):
            if len(minutes) == 1:
                log.warning("rollup.refused", org_id=str(minutes[0].org_id))
                return
            middle = len(minutes) // 2
            await self._fold_some(minutes[:middle])
            await self._fold_some(minutes[middle:])


async def add_to_fresh_rollups(
    transaction: Transaction, rollups: Mapping[Minute, Rollup]
) -> None:
    """Add *rollups* to what is fresh; their organizations are held."""
    if not rollups:
        return
    long_ones = await transaction.fetch(
        f"""
        WITH grown AS (
            INSERT INTO fresh_rollup AS there (
                org_id, dimension, key, starts_at, response_times, {_FIGURES}
            )
            SELECT org_id, dimension, key, starts_at, response_times, {_FIGURES}
            FROM unnest($1::given_rollup[])
            ON CONFLICT (org_id, dimension, key, starts_at) DO UPDATE
            SET {_GROWING}
            RETURNING org_id, dimension, key, starts_at, response_times
        )
        SELECT org_id, dimension, key, starts_at, response_times
        FROM grown
        WHERE length(response_times) > $2
        """,  # noqa: S608 - our own names
        [
            (*minute, rollup.response_times.to_bytes(), *rollup.figures)
            for minute, rollup in rollups.items()
        ],
        LONG,
    )
    await _pack(transaction, "fresh_rollup", _MINUTE, long_ones)


async def fold_all_of(transaction: Transaction, org_id: UUID) -> None:
    """Move what is fresh of an organization, which is held, to the rollups."""
    if minutes := await _fresh_minutes(transaction, org_id):
        await _fold(transaction, minutes)


async def _fresh_minutes(
    transaction: Transaction, org_id: UUID | None = None
) -> list[Minute]:
    rows = await transaction.fetch(
        """
        SELECT org_id, dimension, key, starts_at
        FROM fresh_rollup
        WHERE $1::uuid IS NULL OR org_id = $1
        """,
        org_id,
    )
    return [Minute(*row) for row in rows]


def _by_lock(minutes: Iterable[Minute]) -> Iterator[list[Minute]]:
    """Cut *minutes* into what one transaction folds, under one lock."""
    for _, of_lock in groupby(sorted(minutes, key=_lock_of), key=_lock_of):
        while some := [*islice(of_lock, _FOLDED_AT_ONCE)]:
            yield some


def _lock_of(minute: Minute) -> int:
    return lock_of(minute.org_id)


async def _fold(transaction: Transaction, minutes: Iterable[Minute]) -> None:
    long_ones = await transaction.fetch(
        f"""
        WITH moved AS (
            DELETE FROM fresh_rollup
            USING unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
                AS named (org_id, dimension, key, starts_at)
            WHERE {_alike("fresh_rollup", "named", _MINUTE)}
            RETURNING {_OF_FRESH}, response_times, {_FIGURES}
        ),
        grown AS (
            INSERT INTO rollup AS there (
                grain, org_id, dimension, key, starts_at, response_times, {_FIGURES}
            )
            SELECT
                grain.name,
                org_id,
                dimension,
                key,
                date_bin(grain.length, starts_at, grain.origin),
                string_agg(response_times, ''),
                {_SUMS}
            FROM moved
            CROSS JOIN grain
            GROUP BY 1, 2, 3, 4, 5
            ON CONFLICT (grain, org_id, dimension, key, starts_at) DO UPDATE
            SET {_GROWING}
            RETURNING grain, org_id, dimension, key, starts_at, response_times
        )
        SELECT grain, org_id, dimension, key, starts_at, response_times
        FROM grown
        WHERE length(response_times) > $1
        """,  # noqa: S608 - our own names
        LONG,
        *zip(*minutes, strict=True),
    )
    await _pack(transaction, "rollup", _ROLLUP, long_ones)


async def _pack(
    transaction: Transaction,
    table: str,
    key: Mapping[str, str],
    rows: Sequence["asyncpg.Record"],
) -> None:
    """Make long sketches short again, each bin once; *key* has its columns' types."""
    if not rows:
        return
    types = [f"${place}::{each}[]" for place, each in enumerate(key.values(), start=2)]
    await transaction.execute(
        f"""
        UPDATE {table}
        SET response_times = packed.response_times
        FROM unnest($1::bytea[], {", ".join(types)})
            AS packed (response_times, {", ".join(key)})
        WHERE {_alike(table, "packed", key)}
        """,  # noqa: S608 - our own names
        [Sketch.from_bytes(row["response_times"]).to_bytes() for row in rows],
        *([row[each] for row in rows] for each in key),
    )


def _alike(table: str, other: str, columns: Iterable[str]) -> str:
    return " AND ".join(f"{table}.{each} = {other}.{each}" for each in columns)
