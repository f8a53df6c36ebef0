"""Agents in PostgreSQL, as their operators see them."""

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.base import Explanation
from shared.database import Transaction
from shared.errors import AgentNotFoundError, AgentTypeNotFoundError, NameTakenError
from shared.twins import wait_for_twins

__all__ = [
    "add_agent",
    "agent",
    "agents",
    "begin_claim",
    "change_agent",
    "concerned_agents",
    "desire_running",
    "desire_stopped",
    "keep_agent",
    "released",
    "remove_agent",
    "running_version",
]

_COLUMNS = """
    a.id, a.name, a.desired_state, a.status,
    COALESCE(a.next_agent_type_id, a.agent_type_id) AS agent_type_id,
    CASE WHEN a.next_agent_type_id IS NULL THEN a.agent_type_version END
        AS agent_type_version,
    a.status_reason, a.runner, a.version, a.created_at, a.updated_at, a.started_at,
    a.is_external, a.incarnation,
    a.desired_state = 'running' AND (
        a.next_agent_type_id IS NOT NULL
        OR COALESCE(
            a.agent_type_version < COALESCE(t.restart_version, t.version), false
        )
    ) AS restart_required
"""


async def add_agent(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_id: UUID,
    name: str,
    agent_type_id: UUID,
    at: datetime,
) -> None:
    """Add a stopped agent; *agent_id* added before is left as it is."""
    await wait_for_twins(transaction, agent_id)
    try:
        await transaction.execute(
            """
            INSERT INTO agent (
                id, org_id, name, agent_type_id, desired_state, status,
                created_at, updated_at
            )
            VALUES ($1, $2, $3, $4, 'stopped', 'stopped', $5, $5)
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


async def agent(transaction: Transaction, agent_id: UUID) -> Agent:
    """Read an agent. Raises `AgentNotFoundError`."""
    row = await transaction.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM agent a
        JOIN agent_type t ON t.id = a.agent_type_id
        WHERE a.id = $1
        """,  # noqa: S608 - our own column list
        agent_id,
    )
    if row is None:
        raise _missing(agent_id)
    return _agent(row)


async def agents(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[Agent]:
    """List agents, newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM agent a
        JOIN agent_type t ON t.id = a.agent_type_id
        WHERE $1::uuid IS NULL OR a.id < $1
        ORDER BY a.id DESC
        LIMIT $2
        """,  # noqa: S608 - our own column list
        before,
        limit,
    )
    return [_agent(row) for row in rows]


async def concerned_agents(
    transaction: Transaction,
    *,
    agent_type_id: UUID | None,
    provider_id: UUID | None,
    only_delivered: bool,
    before: UUID | None,
    limit: int,
) -> list[Agent]:
    """List agents that are to run, as `ListConcernedAgents` says; newest first."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM agent a
        JOIN agent_type t ON t.id = a.agent_type_id
        JOIN agent_type_version v
          ON v.agent_type_id = a.agent_type_id AND v.version = a.agent_type_version
        WHERE a.desired_state = 'running'
          AND ($1::uuid IS NULL OR COALESCE(a.next_agent_type_id, t.id) = $1)
          AND ($2::uuid IS NULL OR v.provider_id = $2)
          AND (NOT $3 OR v.credential_delivery = 'environment')
          AND ($4::uuid IS NULL OR a.id < $4)
        ORDER BY a.id DESC
        LIMIT $5
        """,  # noqa: S608 - our own column list
        agent_type_id,
        provider_id,
        only_delivered,
        before,
        limit,
    )
    return [_agent(row) for row in rows]


async def change_agent(
    transaction: Transaction,
    agent_id: UUID,
    *,
    name: str | None,
    agent_type_id: UUID | None,
    if_version: int | None,
    at: datetime,
) -> bool:
    """Rename an agent, or give it another type: at once, or from its restart on.

    False if it does not have the version *if_version* any more, or is gone.
    """
    try:
        changed = await transaction.fetchval(
            """
            UPDATE agent
            SET name = COALESCE($2, name),
                agent_type_id = CASE desired_state
                    WHEN 'stopped' THEN COALESCE($3, agent_type_id)
                    ELSE agent_type_id END,
                agent_type_version = CASE
                    WHEN desired_state = 'stopped' AND $3 <> agent_type_id THEN NULL
                    ELSE agent_type_version END,
                next_agent_type_id = CASE desired_state
                    WHEN 'running'
                    THEN NULLIF(COALESCE($3, next_agent_type_id), agent_type_id) END,
                version = version + 1,
                updated_at = $4
            WHERE id = $1 AND ($5::integer IS NULL OR version = $5)
            RETURNING id
            """,
            agent_id,
            name,
            agent_type_id,
            at,
            if_version,
        )
    except asyncpg.UniqueViolationError as error:
        raise NameTakenError(f'An agent is named "{name}" already.') from error
    except asyncpg.ForeignKeyViolationError as error:
        raise AgentTypeNotFoundError(
            f"There is no agent type {agent_type_id}."
        ) from error
    return changed is not None


async def running_version(
    transaction: Transaction, agent_id: UUID
) -> tuple[UUID, int] | None:
    """Return the type and the version that an agent is to run; None if it is not."""
    row = await transaction.fetchrow(
        """
        SELECT agent_type_id, agent_type_version
        FROM agent
        WHERE id = $1 AND desired_state = 'running'
        """,
        agent_id,
    )
    return (row["agent_type_id"], row["agent_type_version"]) if row else None


async def begin_claim(transaction: Transaction, agent_id: UUID) -> int:
    """Note that uses are about to be claimed; returns the claim's generation.

    The note comes first, so that a claim whose answer was lost is found and released.
    """
    generation: int | None = await transaction.fetchval(
        """
        UPDATE agent
        SET use_generation = use_generation + 1,
            holds_use = true,
            updated_at = clock_timestamp()
        WHERE id = $1
        RETURNING use_generation
        """,
        agent_id,
    )
    if generation is None:
        raise _missing(agent_id)
    return generation


async def desire_running(
    transaction: Transaction,
    agent_id: UUID,
    *,
    agent_type_id: UUID,
    agent_type_version: int,
    generation: int,
    at: datetime,
) -> bool:
    """Ask for a new incarnation, wherever; False if the claim was overtaken."""
    updated = await transaction.fetchval(
        """
        UPDATE agent
        SET desired_state = 'running',
            status = CASE
                WHEN status IN ('stopped', 'error') THEN 'starting' ELSE status END,
            status_reason = NULL,
            incarnation = incarnation + 1,
            agent_type_id = $5,
            agent_type_version = $2,
            next_agent_type_id = NULLIF(
                COALESCE(next_agent_type_id, agent_type_id), $5
            ),
            version = version + 1,
            updated_at = $4
        WHERE id = $1 AND use_generation = $3 AND holds_use
        RETURNING id
        """,
        agent_id,
        agent_type_version,
        generation,
        at,
        agent_type_id,
    )
    return updated is not None


async def desire_stopped(
    transaction: Transaction, agent_id: UUID, *, at: datetime
) -> bool:
    """Ask for a stop; an agent that nobody hosts is stopped at once.

    False if it was to stop already.
    """
    updated = await transaction.fetchval(
        """
        UPDATE agent
        SET desired_state = 'stopped',
            status = CASE WHEN runner IS NULL THEN 'stopped' ELSE 'stopping' END,
            status_reason = NULL,
            version = version + 1,
            updated_at = $2
        WHERE id = $1 AND desired_state = 'running'
        RETURNING id
        """,
        agent_id,
        at,
    )
    return updated is not None


async def released(transaction: Transaction, agent_id: UUID, generation: int) -> None:
    """Note that the credentials service has let go; a newer claim wins."""
    await transaction.execute(
        """
        UPDATE agent
        SET holds_use = false
        WHERE id = $1 AND use_generation = $2
        """,
        agent_id,
        generation,
    )


async def keep_agent(transaction: Transaction, agent_id: UUID) -> None:
    """Let nobody remove an agent before the transaction ends.

    Raises `AgentNotFoundError`.
    """
    kept = await transaction.fetchval(
        "SELECT id FROM agent WHERE id = $1 FOR KEY SHARE", agent_id
    )
    if kept is None:
        raise _missing(agent_id)


async def remove_agent(transaction: Transaction, agent_id: UUID) -> bool:
    """Remove an agent that has stopped and let its uses go; else answer False.

    Its messages stay: they outlive it.
    """
    removed = await transaction.fetchval(
        """
        DELETE FROM agent
        WHERE id = $1 AND status = 'stopped' AND desired_state = 'stopped'
          AND NOT holds_use
        RETURNING id
        """,
        agent_id,
    )
    return removed is not None


def _missing(agent_id: UUID) -> AgentNotFoundError:
    return AgentNotFoundError(f"There is no agent {agent_id}.")


def _agent(row: asyncpg.Record) -> Agent:
    reason = row["status_reason"]
    return Agent(
        id=row["id"],
        name=row["name"],
        agent_type_id=row["agent_type_id"],
        agent_type_version=row["agent_type_version"],
        desired_state=DesiredState(row["desired_state"]),
        status=AgentStatus(row["status"]),
        status_reason=Explanation.model_validate(reason) if reason else None,
        restart_required=row["restart_required"],
        runner=row["runner"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        is_external=row["is_external"],
        incarnation=row["incarnation"],
    )
