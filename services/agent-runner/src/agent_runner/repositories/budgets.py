"""Budgets in PostgreSQL, and what was used of their periods."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from agent_runner.limits.budget import ActiveBudget
from shared.contracts.limits import BudgetMode, BudgetPeriod, BudgetScope, ScopeKind
from shared.database import Database, Transaction
from shared.errors import BudgetNotFoundError, ConflictError, NameTakenError
from shared.twins import wait_for_twins

__all__ = [
    "add_budget",
    "all_budgets",
    "budget",
    "budget_of_agent_type",
    "budgets",
    "change_budget",
    "has_budgets",
    "remove_budget",
    "remove_budgets",
    "scopes_that_may_be_gone",
    "used_of",
]

_COLUMNS = """
    id, org_id, name, scope_kind, scope_id, is_in_dollars, amount, period, time_zone,
    mode, warn_at_percent, agent_type_id, version, created_at, updated_at
"""


async def all_budgets(database: Database) -> list[ActiveBudget]:
    """Read the budgets of all organizations, in the order of their ids."""
    async with database.sweep_once() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM budget ORDER BY id"  # noqa: S608 - our columns
        )
    return [_budget(row) for row in rows]


async def add_budget(transaction: Transaction, added: ActiveBudget) -> None:
    """Add a budget; one with this id that was added before is left as it is."""
    await wait_for_twins(transaction, added.id)
    try:
        await transaction.execute(
            f"""
            INSERT INTO budget ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)
            ON CONFLICT (id) DO NOTHING
            """,  # noqa: S608 - our own columns
            added.id,
            added.org_id,
            added.name,
            added.scope.kind,
            added.scope.id,
            added.is_in_dollars,
            added.amount,
            added.period,
            added.time_zone,
            added.mode,
            added.warn_at_percent,
            added.agent_type_id,
            added.created_at,
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(added.name) from error


async def change_budget(
    transaction: Transaction, changed: ActiveBudget, *, at: datetime
) -> None:
    """Write what may change of a budget, if it still has the version it was read in."""
    try:
        version = await transaction.fetchval(
            """
            UPDATE budget
            SET name = $2, amount = $3, mode = $4, warn_at_percent = $5,
                version = version + 1, updated_at = $6
            WHERE id = $1 AND version = $7
            RETURNING version
            """,
            changed.id,
            changed.name,
            changed.amount,
            changed.mode,
            changed.warn_at_percent,
            at,
            changed.version,
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(changed.name) from error
    if version is None:
        raise ConflictError("Somebody else has just changed this budget.")


async def budget(transaction: Transaction, budget_id: UUID) -> ActiveBudget:
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM budget WHERE id = $1",  # noqa: S608 - our columns
        budget_id,
    )
    if row is None:
        raise BudgetNotFoundError(f"There is no budget {budget_id}.")
    return _budget(row)


async def budgets(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[ActiveBudget]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM budget
        WHERE $1::uuid IS NULL OR id < $1
        ORDER BY id DESC
        LIMIT $2
        """,  # noqa: S608 - our own columns
        before,
        limit,
    )
    return [_budget(row) for row in rows]


async def remove_budget(transaction: Transaction, budget_id: UUID) -> None:
    removed = await transaction.fetchval(
        "DELETE FROM budget WHERE id = $1 RETURNING id", budget_id
    )
    if removed is None:
        raise BudgetNotFoundError(f"There is no budget {budget_id}.")


async def budget_of_agent_type(
    transaction: Transaction, agent_type_id: UUID
) -> ActiveBudget | None:
    """Read the budget that was given with the type, and keep other changes waiting."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM budget WHERE agent_type_id = $1 FOR UPDATE",  # noqa: S608 - our columns
        agent_type_id,
    )
    return None if row is None else _budget(row)


async def has_budgets(transaction: Transaction, scope: BudgetScope) -> bool:
    """Say whether there are budgets of one thing."""
    found: bool = await transaction.fetchval(
        """
        SELECT EXISTS (
            SELECT
            FROM budget
            WHERE scope_kind = $1 AND scope_id = $2
        )
        """,
        scope.kind,
        scope.id,
    )
    return found


async def remove_budgets(transaction: Transaction, scope: BudgetScope) -> list[UUID]:
    """Remove all that count the calls of one thing, and return their ids."""
    rows = await transaction.fetch(
        """
        DELETE FROM budget
        WHERE scope_kind = $1 AND scope_id = $2
        RETURNING id
        """,
        scope.kind,
        scope.id,
    )
    return [row["id"] for row in rows]


async def scopes_that_may_be_gone(
    database: Database,
) -> list[tuple[UUID, BudgetScope]]:
    """List, with their organizations, what budgets are of that is not there.

    Of providers, which are another service's, all.
    """
    async with database.sweep_once() as connection:
        rows = await connection.fetch(
            """
            SELECT DISTINCT b.org_id, b.scope_kind, b.scope_id
            FROM budget b
            LEFT JOIN agent a
              ON a.id = b.scope_id AND a.org_id = b.org_id
            LEFT JOIN agent_type t
              ON t.id = b.scope_id AND t.org_id = b.org_id
            WHERE b.scope_kind = 'provider'
               OR (b.scope_kind = 'agent' AND a.id IS NULL)
               OR (b.scope_kind = 'agent_type' AND t.id IS NULL)
            """
        )
    return [(row["org_id"], _scope(row)) for row in rows]


async def used_of(transaction: Transaction, keys: Sequence[str]) -> dict[str, int]:
    """Sum what was used of each window, shares of runners included."""
    rows = await transaction.fetch(
        """
        SELECT w.key, units_of(w.settled + COALESCE(sum(s.units), 0)) AS used
        FROM limit_window w
        LEFT JOIN limit_share s ON s.key = w.key
        WHERE w.key = ANY($1)
        GROUP BY w.key, w.settled
        """,
        list(keys),
    )
    return {row["key"]: row["used"] for row in rows}


def _taken(name: str) -> NameTakenError:
    return NameTakenError(f'A budget is named "{name}" already.')


def _budget(row: asyncpg.Record) -> ActiveBudget:
    return ActiveBudget(
        id=row["id"],
        org_id=row["org_id"],
        name=row["name"],
        scope=_scope(row),
        is_in_dollars=row["is_in_dollars"],
        amount=row["amount"],
        period=BudgetPeriod(row["period"]),
        time_zone=row["time_zone"],
        mode=BudgetMode(row["mode"]),
        warn_at_percent=row["warn_at_percent"],
        agent_type_id=row["agent_type_id"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _scope(row: asyncpg.Record) -> BudgetScope:
    return BudgetScope(kind=ScopeKind(row["scope_kind"]), id=row["scope_id"])
