"""External agents in PostgreSQL: their tokens' hashes, and what changed since when.

Every change takes the next number, and holds its row until the commit. So whoever has
seen a number has seen all that are smaller, and a token that was revoked is never
missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.contracts.agent_types import AgentType
from shared.database import Database, Transaction
from shared.errors import AgentTypeNotFoundError, NameTakenError
from shared.twins import wait_for_twins

from .agent_types import AGENT_TYPE_COLUMNS, agent_type_of

__all__ = [
    "Change",
    "ExternalAgent",
    "add_external_agent",
    "changes_since",
    "forget_the_gone",
    "hold_changes",
    "let_in",
    "let_in_of_type",
    "note_change",
    "replace_token",
    "shut_out",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class ExternalAgent:
    """One that may call."""

    id: UUID
    org_id: UUID
    agent_type: AgentType
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What an agent is since *number*; None: suspended, without a token, or gone."""

    agent_id: UUID
    number: int
    agent: ExternalAgent | None


async def add_external_agent(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_id: UUID,
    name: str,
    agent_type_id: UUID,
    at: datetime,
) -> None:
    """Add an external agent that may not call yet, unless it is there already."""
    await wait_for_twins(transaction, agent_id)
    try:
        await transaction.execute(
            """
            INSERT INTO agent (
                id, org_id, name, agent_type_id, desired_state, status,
                created_at, updated_at, is_external
            )
            VALUES ($1, $2, $3, $4, 'stopped', 'stopped', $5, $5, true)
            ON CONFLICT (id) DO NOTHING
            """,
            agent_id,
            org_id,
            name,
            agent_type_id,
            at,
        )
    except asyncpg.UniqueViolationError as error:
        raise NameTakenError(f'An agent is named "{name}" already.') from error
    except asyncpg.ForeignKeyViolationError as error:
        raise AgentTypeNotFoundError(
            f"There is no agent type {agent_type_id}."
        ) from error


async def let_in(
    transaction: Transaction,
    agent_id: UUID,
    *,
    agent_type_id: UUID,
    agent_type_version: int,
    generation: int,
    token_hash: bytes | None,
    at: datetime,
) -> bool:
    """Let an agent call, as of this version; False if the claim was overtaken.

    It keeps its token unless *token_hash* is that of another.
    """
    updated = await transaction.fetchval(
        """
        UPDATE agent
        SET desired_state = 'running',
            status = 'running',
            incarnation = incarnation + 1,
            agent_type_id = $2,
            agent_type_version = $3,
            next_agent_type_id = NULLIF(
                COALESCE(next_agent_type_id, agent_type_id), $2
            ),
            token_hash = COALESCE($5, token_hash),
            started_at = $6,
            version = version + 1,
            updated_at = $6
        WHERE id = $1 AND use_generation = $4 AND holds_use AND is_external
        RETURNING id
        """,
        agent_id,
        agent_type_id,
        agent_type_version,
        generation,
        token_hash,
        at,
    )
    return updated is not None


async def let_in_of_type(transaction: Transaction, agent_type_id: UUID) -> list[UUID]:
    """List the external agents of a type that may call."""
    rows = await transaction.fetch(
        """
        SELECT id
        FROM agent
        WHERE agent_type_id = $1 AND is_external AND desired_state = 'running'
        ORDER BY id
        """,
        agent_type_id,
    )
    return [row["id"] for row in rows]


async def withdraw(transaction: Transaction, agent_id: UUID) -> None:
    """Remove an agent that was never let in."""
    await transaction.execute(
        """
        DELETE FROM agent
        WHERE id = $1 AND is_external AND incarnation = 0
        """,
        agent_id,
    )


async def shut_out(
    transaction: Transaction, agent_id: UUID, *, at: datetime
) -> int | None:
    """Suspend an agent, and open a generation that ends the claims of its uses.

    None if it was suspended already.
    """
    generation: int | None = await transaction.fetchval(
        """
        UPDATE agent
        SET desired_state = 'stopped',
            status = 'stopped',
            use_generation = use_generation + 1,
            version = version + 1,
            updated_at = $2
        WHERE id = $1 AND desired_state = 'running' AND is_external
        RETURNING use_generation
        """,
        agent_id,
        at,
    )
    return generation


async def replace_token(
    transaction: Transaction, agent_id: UUID, token_hash: bytes | None, *, at: datetime
) -> None:
    """Let another token count, or none."""
    await transaction.execute(
        """
        UPDATE agent
        SET token_hash = $2, version = version + 1, updated_at = $3
        WHERE id = $1 AND is_external
        """,
        agent_id,
        token_hash,
        at,
    )


async def hold_changes(transaction: Transaction) -> None:
    """Let nobody else take a number before the transaction ends."""
    await transaction.execute("SELECT FROM external_change_number FOR UPDATE")


async def note_change(
    transaction: Transaction, *, org_id: UUID, agent_id: UUID
) -> None:
    """Give the change that this transaction makes to an agent its number."""
    await transaction.execute(
        """
        WITH next AS (
            UPDATE external_change_number
            SET number = number + 1
            RETURNING number
        )
        INSERT INTO external_agent_change (agent_id, org_id, number, changed_at)
        SELECT $1, $2, number, clock_timestamp()
        FROM next
        ON CONFLICT (agent_id) DO UPDATE
        SET number = EXCLUDED.number, changed_at = EXCLUDED.changed_at
        """,
        agent_id,
        org_id,
    )


async def changes_since(database: Database, number: int) -> list[Change]:
    """Read the changes of all organizations after *number*, in their order."""
    async with database.sweep() as transaction:
        rows = await transaction.fetch(
            f"""
            SELECT c.agent_id, c.org_id, c.number, a.token_hash, {AGENT_TYPE_COLUMNS}
            FROM external_agent_change c
            LEFT JOIN agent a
              ON a.id = c.agent_id AND a.desired_state = 'running'
            LEFT JOIN agent_type t
              ON t.id = a.agent_type_id
            LEFT JOIN agent_type_version v
              ON v.agent_type_id = t.id AND v.version = a.agent_type_version
            WHERE c.number > $1
            ORDER BY c.number
            """,  # noqa: S608 - our own column list
            number,
        )
    return [_change(row) for row in rows]


async def forget_the_gone(database: Database, *, older_than: timedelta) -> None:
    """Forget the changes of agents that were removed long ago."""
    async with database.sweep() as transaction:
        await transaction.execute(
            """
            DELETE FROM external_agent_change c
            WHERE c.changed_at < clock_timestamp() - $1::interval
              AND NOT EXISTS (SELECT 1 FROM agent a WHERE a.id = c.agent_id)
            """,
            older_than,
        )


def _change(row: asyncpg.Record) -> Change:
    agent = None
    if row["token_hash"] is not None:
        agent = ExternalAgent(
            id=row["agent_id"],
            org_id=row["org_id"],
            agent_type=agent_type_of(row),
            token_hash=row["token_hash"],
        )
    return Change(agent_id=row["agent_id"], number=row["number"], agent=agent)
