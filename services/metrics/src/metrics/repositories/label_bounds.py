"""How many different labels of an organization are summed up on a day.

What calls are labelled with is their programs' own choice, and each label has rollups
for good: a program that names every call would fill the disk, and slow down counting
for everybody.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from metrics.rollups.rollups import LABEL, Grain, Minute, Rollup
from shared.database import Transaction

__all__ = ["LABELS_OF_A_DAY", "within_label_bounds"]

LABELS_OF_A_DAY = 1_000

_Day: TypeAlias = tuple[UUID, datetime]
"""An organization's day, in UTC."""


async def within_label_bounds(
    transaction: Transaction,
    rollups: Mapping[Minute, Rollup],
    *,
    most: int = LABELS_OF_A_DAY,
) -> Mapping[Minute, Rollup]:
    """Leave out labels beyond the first *most* of a day; organizations are held."""
    labels: dict[_Day, set[str]] = defaultdict(set)
    for minute in rollups:
        if minute.dimension == LABEL:
            labels[_day_of(minute)].add(minute.key)
    if not labels:
        return rollups
    left_out = await _left_out(transaction, labels, most)
    return {
        minute: rollup
        for minute, rollup in rollups.items()
        if minute.dimension != LABEL or minute.key not in left_out[_day_of(minute)]
    }


async def _left_out(
    transaction: Transaction, labels: Mapping[_Day, set[str]], most: int
) -> Mapping[_Day, set[str]]:
    rows = await transaction.fetch(
        """
        SELECT asked.org_id, asked.day, ARRAY(
            SELECT key
            FROM rollup
            WHERE grain = 'day' AND org_id = asked.org_id AND dimension = $3
                AND starts_at = asked.day
            UNION
            SELECT key
            FROM fresh_rollup
            WHERE org_id = asked.org_id AND dimension = $3
                AND starts_at >= asked.day
                AND starts_at < asked.day + interval '1 day'
            LIMIT $4
        ) AS keys
        FROM unnest($1::uuid[], $2::timestamptz[]) AS asked (org_id, day)
        """,
        [org_id for org_id, _ in labels],
        [day for _, day in labels],
        LABEL,
        most,
    )
    summed_up = {(row["org_id"], row["day"]): set(row["keys"]) for row in rows}
    return {
        day: set(sorted(keys - summed_up[day])[max(0, most - len(summed_up[day])) :])
        for day, keys in labels.items()
    }


def _day_of(minute: Minute) -> _Day:
    return minute.org_id, Grain.DAY.floor(minute.starts_at)
