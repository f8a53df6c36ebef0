"""Which runner hosts an agent: the one with the fewest agents for its capacity.

Only runners count that have renewed lately, do not drain, have the runtime that the
agent's type asks for, and all labels that it asks for.
"""

from dataclasses import dataclass
from uuid import UUID

from shared.contracts.base import Explanation
from shared.database import Database, Transaction

__all__ = ["FITS", "LIVES", "PlacedAgent", "place_waiting"]

LIVES = "r.heartbeat_at > clock_timestamp() - interval '9 seconds'"
"""Whether the runner `r` has renewed within its tenure."""

FITS = "r.labels @> v.runner_labels AND COALESCE(v.runtime, r.runtime) = r.runtime"
"""Whether the runner `r` has what the agent type's version `v` asks for."""

_ONE_AT_A_TIME = 0x61673274  # "ag2t": the key of an advisory lock
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class PlacedAgent:
    agent_id: UUID
    runner: str


async def place_waiting(
    database: Database, *, reason: Explanation
) -> list[PlacedAgent]:
    """Give agents without a host one; tell *reason* to those that nobody fits.

    One process places at a time, so that each sees what the others have placed.
    """
    async with database.sweep() as transaction:
        if not await _anybody_waits(transaction):
            return []
        await transaction.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        waiting = await _placeable(transaction)
        placed = [await _placed(transaction, agent_id) for agent_id in waiting]
        await _tell_the_others(transaction, reason)
    return [each for each in placed if each is not None]


async def _anybody_waits(transaction: Transaction) -> bool:
    waits: bool = await transaction.fetchval(
        """
        SELECT EXISTS (
            SELECT 1
            FROM agent
            WHERE runner IS NULL AND desired_state = 'running' AND NOT is_external
        )
        """
    )
    return waits


async def _placeable(transaction: Transaction) -> list[UUID]:
    rows = await transaction.fetch(
        f"""
        SELECT a.id
        FROM agent a
        JOIN agent_type_version v
          ON v.agent_type_id = a.agent_type_id AND v.version = a.agent_type_version
        WHERE a.runner IS NULL AND a.desired_state = 'running' AND NOT a.is_external
          AND EXISTS (
              SELECT 1 FROM runner r WHERE NOT r.is_draining AND {LIVES} AND {FITS}
          )
        ORDER BY a.id
        LIMIT $1
        """,  # noqa: S608 - our own conditions
        _AT_ONCE,
    )
    return [row["id"] for row in rows]


async def _placed(transaction: Transaction, agent_id: UUID) -> PlacedAgent | None:
    """Place one agent, unless it is to stop by now.

    The runner's row is locked, so that a new epoch of it begins before or after.
    """
    row = await transaction.fetchrow(
        f"""
        WITH best AS (
            SELECT r.name, r.epoch
            FROM runner r
            JOIN agent a ON a.id = $1
            JOIN agent_type_version v
              ON v.agent_type_id = a.agent_type_id AND v.version = a.agent_type_version
            WHERE NOT r.is_draining AND {LIVES} AND {FITS}
            ORDER BY (
                SELECT count(*)::float / r.capacity
                FROM agent hosted
                WHERE hosted.runner = r.name AND hosted.desired_state = 'running'
            ), r.name
            LIMIT 1
            FOR SHARE OF r
        )
        UPDATE agent
        SET runner = best.name,
            epoch = best.epoch,
            version = version + 1,
            updated_at = clock_timestamp()
        FROM best
        WHERE id = $1 AND runner IS NULL AND desired_state = 'running'
          AND NOT is_external
        RETURNING runner
        """,  # noqa: S608 - our own conditions
        agent_id,
    )
    return PlacedAgent(agent_id, row["runner"]) if row else None


async def _tell_the_others(transaction: Transaction, reason: Explanation) -> None:
    """Say why an agent waits for a runner; `ack_only` and `error` say more already."""
    await transaction.execute(
        f"""
        UPDATE agent a
        SET status_reason = $1, version = a.version + 1, updated_at = clock_timestamp()
        FROM agent_type_version v
        WHERE a.runner IS NULL AND a.desired_state = 'running' AND NOT a.is_external
          AND a.status = 'starting' AND a.status_reason IS DISTINCT FROM $1::jsonb
          AND v.agent_type_id = a.agent_type_id AND v.version = a.agent_type_version
          AND NOT EXISTS (
              SELECT 1 FROM runner r WHERE NOT r.is_draining AND {LIVES} AND {FITS}
          )
        """,  # noqa: S608 - our own conditions
        reason.model_dump(mode="json"),
    )
