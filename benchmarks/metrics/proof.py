"""Proof that the sums PostgreSQL made are those the ledger makes of the same calls."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from metrics.prices.pricing import PricedCall
from metrics.rollups.rollups import Figures, Grain, Minute, Rollup, rolled_up
from metrics.rollups.sketch import Sketch
from shared.contracts.metrics import Call

__all__ = ["prove_sums"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Sums: TypeAlias = dict[Minute, Rollup]

_CALLS = """
SELECT *
FROM counted_call
WHERE org_id = $1
    AND started_at >= $2
    AND started_at < $2 + interval '1 day'
"""
_ROLLUPS = """
SELECT *
FROM rollup
WHERE org_id = $1
    AND grain = $3
    AND starts_at >= $2
    AND starts_at < $2 + interval '1 day'
"""


async def prove_sums(
    connection: Connection, org_id: UUID, midnight: datetime, grains: Iterable[Grain]
) -> None:
    """Raise `ValueError` unless the rollups of a day are what its calls sum up to."""
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )
    by_minute = await _summed_up_by_the_ledger(connection, org_id, midnight)
    for grain in grains:
        rows = await connection.fetch(_ROLLUPS, org_id, midnight, grain.value)
        if _read(rows) != _of_grain(by_minute, grain):
            raise ValueError(f"the sums by {grain} are not those of the calls")
        print(f"{len(rows):,} sums by {grain} proven equal to those of the ledger")


async def _summed_up_by_the_ledger(
    connection: Connection, org_id: UUID, midnight: datetime
) -> Sums:
    rows = await connection.fetch(_CALLS, org_id, midnight)
    calls = [Call.model_validate(dict(row)) for row in rows]
    return rolled_up(
        [(call, PricedCall(call.cost_usd, call.price_version or "")) for call in calls],
        [],
    )


def _of_grain(by_minute: Sums, grain: Grain) -> Sums:
    parts: dict[Minute, list[Rollup]] = defaultdict(list)
    for minute, rollup in by_minute.items():
        longer = minute._replace(starts_at=grain.floor(minute.starts_at))
        parts[longer].append(rollup)
    return {longer: _merged(rollups) for longer, rollups in parts.items()}


def _merged(rollups: list[Rollup]) -> Rollup:
    figures = zip(*(each.figures for each in rollups), strict=True)
    return Rollup(
        Figures._make(map(sum, figures)),
        Sketch.merged(each.response_times for each in rollups),
    )


def _read(rows: Iterable["asyncpg.Record"]) -> Sums:
    return {
        Minute(row["org_id"], row["dimension"], row["key"], row["starts_at"]): Rollup(
            Figures(*map(row.__getitem__, Figures._fields)),
            Sketch.from_bytes(row["response_times"]),
        )
        for row in rows
    }
