"""Uses in PostgreSQL: which agent depends on which provider, and since which claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from shared.database import Transaction
from shared.errors import (
    ProviderGoneError,
    ProviderRetiringError,
    StaleGenerationError,
)

__all__ = ["UsingAgent", "advance", "agents_using", "set_uses"]


@dataclass(frozen=True, slots=True)
class UsingAgent:
    id: UUID
    name: str


async def advance(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_id: UUID,
    generation: int,
    agent_name: str | None,
) -> bool:
    """Record an agent's next generation; False if it is the recorded one already.

    *agent_name* None keeps the name. Raises `StaleGenerationError` for an earlier
    generation than the recorded one.
    """
    advanced = await transaction.fetchval(
        """
        INSERT INTO use_claim (org_id, agent_id, agent_name, generation)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id, agent_id) DO UPDATE
        SET generation = excluded.generation,
            agent_name = COALESCE(excluded.agent_name, use_claim.agent_name),
            claimed_at = excluded.claimed_at
        WHERE use_claim.generation < excluded.generation
        RETURNING true
        """,
        org_id,
        agent_id,
        agent_name,
        generation,
    )
    if advanced:
        return True
    recorded = await transaction.fetchval(
        "SELECT generation FROM use_claim WHERE agent_id = $1", agent_id
    )
    if recorded > generation:
        raise StaleGenerationError(
            f"Generation {generation} of agent {agent_id} was overtaken by {recorded}."
        )
    return False


async def set_uses(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_id: UUID,
    provider_ids: Sequence[UUID],
) -> bool:
    """Let an agent depend on exactly *provider_ids*; tell whether that is new.

    A provider that is being deleted or retired is waited for. Raises
    `ProviderGoneError`, and `ProviderRetiringError` for one that the agent does not use
    yet.
    """
    await _require_lasting(transaction, agent_id=agent_id, provider_ids=provider_ids)
    dropped = await transaction.fetch(
        """
        DELETE FROM use
        WHERE agent_id = $1 AND provider_id <> ALL($2::uuid[])
        RETURNING provider_id
        """,
        agent_id,
        provider_ids,
    )
    try:
        added = await transaction.fetch(
            """
            INSERT INTO use (org_id, agent_id, provider_id)
            SELECT DISTINCT $1::uuid, $2::uuid, provider_id
            FROM unnest($3::uuid[]) AS provider_id
            ON CONFLICT (org_id, agent_id, provider_id) DO NOTHING
            RETURNING provider_id
            """,
            org_id,
            agent_id,
            provider_ids,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise ProviderGoneError(
            f"A provider that agent {agent_id} needs does not exist any more."
        ) from error
    return bool(dropped or added)


async def _require_lasting(
    transaction: Transaction, *, agent_id: UUID, provider_ids: Sequence[UUID]
) -> None:
    """Keep providers from retiring until the uses are written, or refuse to write.

    They are locked first, and read when they are: after a wait, as they are then.
    """
    await transaction.execute(
        "SELECT FROM provider WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE",
        provider_ids,
    )
    rows = await transaction.fetch(
        """
        SELECT p.name
        FROM provider p
        WHERE p.id = ANY($2::uuid[])
          AND p.is_retiring
          AND NOT EXISTS (
              SELECT
              FROM use u
              WHERE u.agent_id = $1 AND u.provider_id = p.id
          )
        """,
        agent_id,
        provider_ids,
    )
    if rows:
        raise ProviderRetiringError(
            f'The provider "{rows[0]["name"]}" is about to be removed; give the agent '
            "type another one."
        )


async def agents_using(transaction: Transaction, provider_id: UUID) -> list[UsingAgent]:
    """List the agents that depend on a provider, by name."""
    rows = await transaction.fetch(
        """
        SELECT c.agent_id, c.agent_name
        FROM use u
        JOIN use_claim c ON c.org_id = u.org_id AND c.agent_id = u.agent_id
        WHERE u.provider_id = $1
        ORDER BY c.agent_name, c.agent_id
        """,
        provider_id,
    )
    return [UsingAgent(row["agent_id"], row["agent_name"]) for row in rows]
