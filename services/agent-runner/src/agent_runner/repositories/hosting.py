"""What a runner writes about the agents it hosts; every write is fenced.

A write counts only while the row names this runner in this epoch. A host that has lost
an agent therefore changes nothing any more: its methods then answer False, or nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.agent_runner import AgentStatus, DesiredState
from shared.contracts.base import Explanation
from shared.database import Database

from . import agents, external_agents
from .placement import FITS, LIVES

__all__ = ["Assignment", "HostingRepository"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the record says of one agent that a runner hosts.

    *moves_on*: it is to be hosted elsewhere, because this runner drains, or does not
    have what the agent's type asks for. *newest_type_version* is that of its type, of
    which some holds at once.
    """

    agent_id: UUID
    org_id: UUID
    name: str
    agent_type_id: UUID
    agent_type_version: int
    desired_state: DesiredState
    status: AgentStatus
    incarnation: int
    holds_use: bool
    moves_on: bool
    newest_type_version: int


class HostingRepository:
    def __init__(self, database: Database, *, runner: str, epoch: int) -> None:
        self._database = database
        self.runner = runner
        self.epoch = epoch

    async def assignments(self) -> list[Assignment]:
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT a.id, a.org_id, a.name, a.agent_type_id,
                       COALESCE(a.agent_type_version, 0) AS agent_type_version,
                       a.desired_state, a.status, a.incarnation, a.holds_use,
                       COALESCE(
                           NOT ({FITS})
                           OR r.is_draining AND EXISTS (
                               SELECT 1
                               FROM runner r
                               WHERE r.name <> a.runner AND NOT r.is_draining
                                 AND {LIVES} AND {FITS}
                           ),
                           false
                       ) AS moves_on,
                       t.version AS newest_type_version
                FROM agent a
                JOIN runner r ON r.name = a.runner
                JOIN agent_type t ON t.id = a.agent_type_id
                LEFT JOIN agent_type_version v
                  ON v.agent_type_id = a.agent_type_id
                 AND v.version = a.agent_type_version
                WHERE a.runner = $1 AND a.epoch = $2
                """,  # noqa: S608 - our own conditions
                self.runner,
                self.epoch,
            )
        return [_assignment(row) for row in rows]

    async def unreleased(self) -> list[Assignment]:
        """List stopped agents that still hold uses: their start failed a while ago."""
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                SELECT id, org_id, name, agent_type_id,
                       COALESCE(agent_type_version, 0) AS agent_type_version,
                       desired_state, status, incarnation, holds_use,
                       false AS moves_on, 0 AS newest_type_version
                FROM agent
                WHERE holds_use AND runner IS NULL AND desired_state = 'stopped'
                  AND updated_at < clock_timestamp() - interval '30 seconds'
                """
            )
        return [_assignment(row) for row in rows]

    async def tell(
        self,
        agent: Assignment,
        status: AgentStatus,
        *,
        reason: Explanation | None = None,
        started_at: datetime | None = None,
    ) -> bool:
        """Record what an agent that is to run is now; what is known already is not.

        False if nothing was written.
        """
        async with self._database.organization(agent.org_id) as transaction:
            written = await transaction.fetchval(
                """
                UPDATE agent
                SET status = $4,
                    status_reason = $5,
                    started_at = COALESCE($6, started_at),
                    version = version + 1,
                    updated_at = clock_timestamp()
                WHERE id = $1 AND runner = $2 AND epoch = $3 AND incarnation = $7
                  AND desired_state = 'running'
                  AND (status, status_reason) IS DISTINCT FROM ($4, $5::jsonb)
                RETURNING id
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
                status,
                reason.model_dump(mode="json") if reason else None,
                started_at,
                agent.incarnation,
            )
        return written is not None

    async def keep_token(self, agent: Assignment, token_hash: bytes | None) -> bool:
        async with self._database.organization(agent.org_id) as transaction:
            written = await transaction.fetchval(
                """
                UPDATE agent
                SET token_hash = $4
                WHERE id = $1 AND runner = $2 AND epoch = $3
                RETURNING id
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
                token_hash,
            )
        return written is not None

    async def begin_claim(self, agent: Assignment) -> int | None:
        """Open a new generation of uses; None if the agent is not ours any more."""
        async with self._database.organization(agent.org_id) as transaction:
            generation: int | None = await transaction.fetchval(
                """
                UPDATE agent
                SET use_generation = use_generation + 1, holds_use = true
                WHERE id = $1 AND runner = $2 AND epoch = $3
                RETURNING use_generation
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
            )
        return generation

    async def begin_release(self, agent: Assignment) -> int | None:
        """Open a generation that ends all earlier claims of a stopped agent."""
        async with self._database.organization(agent.org_id) as transaction:
            generation: int | None = await transaction.fetchval(
                """
                UPDATE agent
                SET use_generation = use_generation + 1
                WHERE id = $1 AND desired_state = 'stopped' AND holds_use
                  AND (runner IS NULL OR (runner = $2 AND epoch = $3))
                RETURNING use_generation
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
            )
        return generation

    async def released(self, agent: Assignment, generation: int) -> None:
        """Note that the credentials service has let go; a newer claim wins.

        An external agent that was never let in is gone with its claim.
        """
        async with self._database.organization(agent.org_id) as transaction:
            await agents.released(transaction, agent.agent_id, generation)
            await external_agents.withdraw(transaction, agent.agent_id)

    async def move_on(self, agent: Assignment) -> None:
        """Leave *agent* without a host, for another runner to be found."""
        async with self._database.organization(agent.org_id) as transaction:
            await transaction.execute(
                """
                UPDATE agent
                SET runner = NULL,
                    epoch = NULL,
                    token_hash = NULL,
                    incarnation = incarnation + 1,
                    status = CASE status WHEN 'running' THEN 'starting' ELSE status END,
                    version = version + 1,
                    updated_at = clock_timestamp()
                WHERE id = $1 AND runner = $2 AND epoch = $3
                  AND desired_state = 'running'
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
            )

    async def let_go(self, agent: Assignment) -> None:
        """Record that *agent* has stopped and has no host, unless it is to run."""
        async with self._database.organization(agent.org_id) as transaction:
            await transaction.execute(
                """
                UPDATE agent
                SET status = 'stopped',
                    status_reason = NULL,
                    runner = NULL,
                    epoch = NULL,
                    token_hash = NULL,
                    version = version + 1,
                    updated_at = clock_timestamp()
                WHERE id = $1 AND runner = $2 AND epoch = $3
                  AND desired_state = 'stopped'
                """,
                agent.agent_id,
                self.runner,
                self.epoch,
            )


def _assignment(row: asyncpg.Record) -> Assignment:
    return Assignment(
        agent_id=row["id"],
        org_id=row["org_id"],
        name=row["name"],
        agent_type_id=row["agent_type_id"],
        agent_type_version=row["agent_type_version"],
        desired_state=DesiredState(row["desired_state"]),
        status=AgentStatus(row["status"]),
        incarnation=row["incarnation"],
        holds_use=row["holds_use"],
        moves_on=row["moves_on"],
        newest_type_version=row["newest_type_version"],
    )
