"""Runners in PostgreSQL, as their operators see them."""

from uuid import UUID

import asyncpg

from shared.contracts.agent_types import AgentRuntime
from shared.contracts.runners import Runner, RunnerStatus
from shared.database import Transaction
from shared.errors import RunnerNotFoundError

from .placement import LIVES

__all__ = ["runner", "runners", "set_draining"]

_COLUMNS = f"""
    r.id, r.name, r.runtime, r.capacity, r.labels, r.is_draining, r.started_at,
    r.heartbeat_at, {LIVES} AS lives,
    (
        SELECT count(*)
        FROM agent a
        WHERE a.runner = r.name AND a.desired_state = 'running'
    ) AS agents
"""  # noqa: S608 - our own condition


async def runner(transaction: Transaction, runner_id: UUID) -> Runner:
    """Read a runner. Raises `RunnerNotFoundError`."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM runner r WHERE r.id = $1",  # noqa: S608 - our columns
        runner_id,
    )
    if row is None:
        raise RunnerNotFoundError(f"There is no runner {runner_id}.")
    return _runner(row)


async def runners(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[Runner]:
    """List runners, newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM runner r
        WHERE $1::uuid IS NULL OR r.id < $1
        ORDER BY r.id DESC
        LIMIT $2
        """,  # noqa: S608 - our own column list
        before,
        limit,
    )
    return [_runner(row) for row in rows]


async def set_draining(
    transaction: Transaction, runner_id: UUID, *, is_draining: bool
) -> bool:
    """Say whether a runner drains; False if it said so already."""
    changed = await transaction.fetchval(
        """
        UPDATE runner
        SET is_draining = $2
        WHERE id = $1 AND is_draining <> $2
        RETURNING id
        """,
        runner_id,
        is_draining,
    )
    return changed is not None


def _runner(row: asyncpg.Record) -> Runner:
    return Runner(
        id=row["id"],
        name=row["name"],
        status=_status(row),
        runtime=AgentRuntime(row["runtime"]),
        capacity=row["capacity"],
        labels=row["labels"],
        agents=row["agents"],
        started_at=row["started_at"],
        renewed_at=row["heartbeat_at"],
    )


def _status(row: asyncpg.Record) -> RunnerStatus:
    if not row["lives"]:
        return RunnerStatus.LOST
    return RunnerStatus.DRAINING if row["is_draining"] else RunnerStatus.READY
