"""Tenures of runners in PostgreSQL: begun, renewed, and ended by others."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent_runner.tenure import Tenure
from shared.contracts.base import Explanation
from shared.database import Database
from shared.ids import new_id

__all__ = ["Enlistment", "Sighting", "TenureRepository", "enlist"]


@dataclass(frozen=True, slots=True)
class Enlistment:
    """What a runner says of itself when its process starts."""

    name: str
    runtime: str
    capacity: int
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """How far a runner's renewals are; equal ones mean that none came between."""

    runner: str
    epoch: int
    renewals: int


async def enlist(database: Database, runner: Enlistment) -> int:
    """Begin a new epoch of *runner*, take back what it hosts, and return the epoch.

    The caller holds the spool's lock, so no other process is this runner. What its
    predecessor called running does not run: only that process knew the tokens.
    """
    async with database.sweep() as transaction:
        epoch: int = await transaction.fetchval(
            """
            INSERT INTO runner (
                name, epoch, heartbeat_at, runtime, capacity, labels, started_at, id
            )
            VALUES ($1, 1, clock_timestamp(), $2, $3, $4, clock_timestamp(), $5)
            ON CONFLICT (name) DO UPDATE
            SET epoch = runner.epoch + 1,
                heartbeat_at = clock_timestamp(),
                runtime = $2,
                capacity = $3,
                labels = $4,
                started_at = clock_timestamp()
            RETURNING epoch
            """,
            runner.name,
            runner.runtime,
            runner.capacity,
            dict(runner.labels),
            new_id(),
        )
        await transaction.execute(
            """
            UPDATE agent
            SET epoch = $2,
                status = CASE status WHEN 'running' THEN 'starting' ELSE status END,
                version = version + 1,
                updated_at = clock_timestamp()
            WHERE runner = $1
            """,
            runner.name,
            epoch,
        )
    return epoch


class TenureRepository:
    """What one runner writes about itself, and about those that have fallen silent."""

    def __init__(self, database: Database, tenure: Tenure) -> None:
        self._database = database
        self._tenure = tenure

    async def renew(self) -> bool:
        """Renew; False once another runner has taken over what this one hosted."""
        async with self._database.sweep() as transaction:
            renewed = await transaction.fetchval(
                """
                UPDATE runner
                SET renewals = renewals + 1, heartbeat_at = clock_timestamp()
                WHERE name = $1 AND epoch = $2
                RETURNING renewals
                """,
                self._tenure.runner,
                self._tenure.epoch,
            )
        return renewed is not None

    async def others(self) -> list[Sighting]:
        """See how far those other runners are that host agents."""
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                SELECT r.name AS runner, r.epoch, r.renewals
                FROM runner r
                WHERE r.name <> $1
                  AND EXISTS (SELECT 1 FROM agent a WHERE a.runner = r.name)
                """,
                self._tenure.runner,
            )
        return [Sighting(**row) for row in rows]

    async def take_over(self, silent: Sighting, *, reason: Explanation) -> bool:
        """End the epoch of a silent runner, and leave its agents without a host.

        Those that are only to stop become the caller's. False if *silent* has renewed
        meanwhile, or another runner was first, or the caller has itself been taken
        over.
        """
        async with self._database.sweep() as transaction:
            ended = await transaction.fetchval(
                """
                UPDATE runner
                SET epoch = epoch + 1
                WHERE name = $1 AND epoch = $2 AND renewals = $3
                  AND EXISTS (
                      SELECT 1 FROM runner me WHERE me.name = $4 AND me.epoch = $5
                  )
                RETURNING name
                """,
                silent.runner,
                silent.epoch,
                silent.renewals,
                self._tenure.runner,
                self._tenure.epoch,
            )
            if ended is None:
                return False
            await transaction.execute(
                """
                UPDATE agent
                SET runner = NULL,
                    epoch = NULL,
                    token_hash = NULL,
                    incarnation = incarnation + 1,
                    status = CASE status WHEN 'running' THEN 'starting' ELSE status END,
                    status_reason = CASE
                        WHEN status IN ('running', 'starting') THEN $2::jsonb
                        ELSE status_reason END,
                    version = version + 1,
                    updated_at = clock_timestamp()
                WHERE runner = $1 AND desired_state = 'running'
                """,
                silent.runner,
                reason.model_dump(mode="json"),
            )
            await transaction.execute(
                """
                UPDATE agent
                SET runner = $2, epoch = $3
                WHERE runner = $1
                """,
                silent.runner,
                self._tenure.runner,
                self._tenure.epoch,
            )
        return True
