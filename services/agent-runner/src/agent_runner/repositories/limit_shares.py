"""Shares of limits in PostgreSQL, exchanged in one statement."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agent_runner.limits.exchange import Asked, Granted, Told, Wish
from agent_runner.limits.shares import Settlement
from shared.database import Database, Transaction

__all__ = ["ShareRepository", "Standing", "note_told", "standings"]

_MICROSECONDS = 1_000_000
_MOST_UNITS = 10**16  # of one share, whatever a call says: PostgreSQL adds them up


class ShareRepository:
    """The `ShareRecord` of one runner."""

    def __init__(self, database: Database, *, runner: str, epoch: int) -> None:
        self._database = database
        self._runner = runner
        self._epoch = epoch

    async def exchange(self, asked: Asked) -> Told:
        """Settle and lease.

        What two of these have in common is locked; one that PostgreSQL breaks off, for
        they would wait for each other, is made again.
        """
        words = self._words(asked)
        try:
            return await self._exchanged(words)
        except asyncpg.DeadlockDetectedError:
            return await self._exchanged(words)

    async def correct_clock(self, step_seconds: float, *, clock: int) -> None:
        async with self._database.sweep_once() as connection:
            await connection.execute(
                """
                UPDATE limit_clock
                SET step = step + make_interval(secs => $1), version = version + 1
                WHERE version = $2
                """,
                step_seconds,
                clock,
            )

    async def inherit(self) -> None:
        """End what this runner's earlier process held: its calls ended with it.

        What it had taken of budgets is kept at what it had reserved. Limits are locked
        before their shares, and in their order, as others do who exchange meanwhile.
        """
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                SELECT
                FROM limit_window
                WHERE key IN (
                    SELECT key
                    FROM limit_share
                    WHERE runner = $1 AND epoch < $2 AND span <> 'minute'
                )
                ORDER BY key
                FOR UPDATE
                """,
                self._runner,
                self._epoch,
            )
            await transaction.execute(
                """
                WITH dead AS (
                    DELETE FROM limit_share
                    WHERE runner = $1 AND epoch < $2 AND span <> 'minute'
                    RETURNING key, span, units
                )
                UPDATE limit_window w
                SET settled = units_of(w.settled + d.units)
                FROM (
                    SELECT key, sum(units) AS units
                    FROM dead
                    WHERE span = 'period'
                    GROUP BY key
                ) d
                WHERE w.key = d.key
                """,
                self._runner,
                self._epoch,
            )

    async def forget(self) -> None:
        """Forget limits that nobody has used for long, and periods that have ended."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                DELETE FROM limit_window w
                WHERE w.used_at < clock_timestamp() - interval '1 d'
                  AND (w.span <> 'period'
                       OR w.ends_at < clock_timestamp() - interval '1 d')
                """
            )

    async def _exchanged(self, words: str) -> Told:
        async with self._database.sweep_once() as connection:
            answer = await connection.fetchval(
                "SELECT exchange_shares($1::text::jsonb)::text", words
            )
        return _told(json.loads(answer))

    def _words(self, asked: Asked) -> str:
        return json.dumps(
            {
                "runner": self._runner,
                "epoch": self._epoch,
                "renews": asked.renews,
                "clock": asked.clock,
                "known_time": round(asked.known_time * _MICROSECONDS),
                "not_after": _microseconds(asked.not_after),
                "settled": [_settled(each) for each in asked.settled],
                "wanted": [_wanted(each) for each in asked.wanted],
            }
        )


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _MICROSECONDS)


def _settled(settlement: Settlement) -> dict[str, Any]:
    return {
        "id": str(settlement.share_id),
        "key": settlement.key,
        "units": min(settlement.units, _MOST_UNITS),
        "used_after": f"{settlement.used_after_seconds:.6f} s",
        "is_final": settlement.is_final,
    }


def _wanted(wish: Wish) -> dict[str, Any]:
    limit = wish.limit
    return {
        "id": str(wish.share_id),
        "key": limit.key,
        "org_id": str(limit.org_id),
        "span": limit.span,
        "amount": limit.amount,
        "version": limit.version,
        "ends_at": limit.ends_at.isoformat() if limit.ends_at else None,
        "units": min(wish.units, _MOST_UNITS),
        "extra": min(wish.extra, _MOST_UNITS),
    }


def _told(answer: dict[str, Any]) -> Told:
    return Told(
        clock=answer["clock"],
        time=answer["time"] / _MICROSECONDS,
        wall=answer["wall"] / _MICROSECONDS,
        granted=[_granted(each) for each in answer["windows"]],
    )


def _granted(window: dict[str, Any]) -> Granted:
    return Granted(
        share_id=UUID(window["id"]),
        key=window["key"],
        wished=window["wished"],
        units=window["granted"],
        amount=window["amount"],
        used=window["used"],
        told=window["told"],
        frees=[(until / _MICROSECONDS, units) for until, units in window["frees"]],
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is used of a limit; *resets_at* by the database's time of day."""

    key: str
    amount: int
    used: int
    resets_at: datetime | None


async def standings(transaction: Transaction, *, of_id: UUID | None) -> list[Standing]:
    """Read the limits of the organization that are no budgets, in their order."""
    rows = await transaction.fetch(
        """
        SELECT w.key, w.amount, units_of(COALESCE(sum(s.units), 0)) AS used,
               database_time() + (max(s.counts_until) - steady_time()) AS resets_at
        FROM limit_window w
        LEFT JOIN limit_share s
          ON s.key = w.key AND s.counts_until > steady_time() AND s.units > 0
        WHERE w.span <> 'period' AND w.amount IS NOT NULL
          AND ($1::text IS NULL OR split_part(w.key, ':', 2) = $1)
        GROUP BY w.key, w.amount
        ORDER BY w.key
        LIMIT 1000
        """,
        str(of_id) if of_id else None,
    )
    return [Standing(**row) for row in rows]


async def note_told(database: Database, key: str, percent: int) -> None:
    """Note that an event told of *percent* of a limit."""
    async with database.sweep_once() as connection:
        await connection.execute(
            "UPDATE limit_window SET told = $2 WHERE key = $1 AND told < $2",
            key,
            percent,
        )
