"""Jobs in PostgreSQL, and who works at which.

Time is the database's, so that any number of gateways agree on when a claim ends.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError

from shared.contracts.jobs import Job, JobStatus
from shared.database import Database, Transaction
from shared.errors import JobNotFoundError, JobRunningError

from .audit import note

__all__ = ["ClaimedJob", "JobRepository", "PostgresJobs"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that is somebody's to work at; *told_version* was published last."""

    org_id: UUID
    job: Job
    told_version: int


class JobRepository(Protocol):
    async def add(self, org_id: UUID, job: Job) -> Job: ...

    async def one(self, org_id: UUID, job_id: UUID) -> Job: ...

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Job]: ...

    async def require_free(self, org_id: UUID, concerns: Collection[UUID]) -> None: ...

    async def claim(
        self,
        worker: UUID,
        *,
        lasting: timedelta,
        limit: int,
        held: Collection[UUID] = (),
    ) -> list[ClaimedJob]: ...

    async def renew(self, worker: UUID, *, lasting: timedelta) -> None: ...

    async def keep(self, worker: UUID, org_id: UUID, job: Job) -> bool: ...

    async def note_told(self, worker: UUID, org_id: UUID, job: Job) -> None: ...

    async def release(self, worker: UUID, job_id: UUID) -> None: ...


class PostgresJobs:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._set_aside: set[UUID] = set()
        """Jobs that a newer version wrote, which this one cannot read."""

    async def add(self, org_id: UUID, job: Job) -> Job:
        """Begin a job; one of the same id that was begun before is the answer.

        Raises `JobRunningError` while another works on the same thing.
        """
        concerns = _concerns(job)
        async with self._database.organization(org_id) as transaction:
            await _one_after_another(transaction, org_id)
            if found := await _job(transaction, job.id):
                return found
            await _require_free(transaction, concerns)
            await transaction.execute(
                """
                INSERT INTO job (id, org_id, status, concerns, job, version)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                job.id,
                org_id,
                job.status,
                concerns,
                job.model_dump(mode="json"),
                job.version,
            )
            await _note(transaction, org_id, job, "started")
        return job

    async def one(self, org_id: UUID, job_id: UUID) -> Job:
        async with self._database.organization(org_id) as transaction:
            found = await _job(transaction, job_id)
        if found is None:
            raise JobNotFoundError("There is no such job.")
        return found

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Job]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT job
                FROM job
                WHERE $1::uuid IS NULL OR id < $1
                ORDER BY id DESC
                LIMIT $2
                """,
                before,
                limit,
            )
        return [Job.model_validate(row["job"]) for row in rows]

    async def require_free(self, org_id: UUID, concerns: Collection[UUID]) -> None:
        """Raise `JobRunningError` if a job works on one of these things now."""
        async with self._database.organization(org_id) as transaction:
            await _require_free(transaction, concerns)

    async def claim(
        self,
        worker: UUID,
        *,
        lasting: timedelta,
        limit: int,
        held: Collection[UUID] = (),
    ) -> list[ClaimedJob]:
        """Take jobs that nobody works at, of any organization.

        None that the worker has *held* for longer than its claim: it is at work there.
        What cannot be read is left to gateways of a newer version.
        """
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                UPDATE job
                SET claim = $1, claimed_until = clock_timestamp() + $2::interval
                WHERE id IN (
                    SELECT id
                    FROM job
                    WHERE (status = 'running' OR told_version < version)
                      AND (claim IS NULL OR claimed_until <= clock_timestamp())
                      AND id <> ALL ($4::uuid[])
                    ORDER BY id
                    LIMIT $3
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING id, org_id, job, told_version
                """,
                worker,
                lasting,
                limit,
                [*held, *self._set_aside],
            )
            claimed = {row["id"]: _claimed(row) for row in rows}
            unread = [job_id for job_id, job in claimed.items() if job is None]
            if unread:
                await _release(transaction, worker, unread)
        self._set_aside.update(unread)
        return [job for job in claimed.values() if job is not None]

    async def renew(self, worker: UUID, *, lasting: timedelta) -> None:
        """Go on working at what is held, unless others have taken it by now."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                UPDATE job
                SET claimed_until = clock_timestamp() + $2::interval
                WHERE claim = $1
                """,
                worker,
                lasting,
            )

    async def keep(self, worker: UUID, org_id: UUID, job: Job) -> bool:
        """Keep how far a job is; False if it is not this worker's any more."""
        async with self._database.organization(org_id) as transaction:
            kept = await transaction.fetchval(
                """
                UPDATE job
                SET status = $3, job = $4, version = $5
                WHERE id = $1 AND claim = $2 AND version < $5
                RETURNING true
                """,
                job.id,
                worker,
                job.status,
                job.model_dump(mode="json"),
                job.version,
            )
            if kept and job.status is not JobStatus.RUNNING:
                await _note(transaction, org_id, job, job.status)
        return bool(kept)

    async def note_told(self, worker: UUID, org_id: UUID, job: Job) -> None:
        """Note that a job was published as it is in this version."""
        async with self._database.organization(org_id) as transaction:
            await transaction.execute(
                """
                UPDATE job
                SET told_version = $3
                WHERE id = $1 AND claim = $2
                """,
                job.id,
                worker,
                job.version,
            )

    async def release(self, worker: UUID, job_id: UUID) -> None:
        """Let others work at a job at once."""
        async with self._database.sweep() as transaction:
            await _release(transaction, worker, [job_id])


async def _release(
    transaction: Transaction, worker: UUID, job_ids: Collection[UUID]
) -> None:
    await transaction.execute(
        """
        UPDATE job
        SET claim = NULL, claimed_until = NULL
        WHERE id = ANY ($1::uuid[]) AND claim = $2
        """,
        job_ids,
        worker,
    )


async def _one_after_another(transaction: Transaction, org_id: UUID) -> None:
    """Let jobs of an organization begin one after another, so that none is missed."""
    await transaction.execute(
        "SELECT id FROM organization WHERE id = $1 FOR NO KEY UPDATE", org_id
    )


async def _job(transaction: Transaction, job_id: UUID) -> Job | None:
    found = await transaction.fetchval("SELECT job FROM job WHERE id = $1", job_id)
    return None if found is None else Job.model_validate(found)


async def _require_free(transaction: Transaction, concerns: Collection[UUID]) -> None:
    job_id = await transaction.fetchval(
        """
        SELECT id
        FROM job
        WHERE status = 'running' AND concerns && $1::uuid[]
        LIMIT 1
        """,
        concerns,
    )
    if job_id is not None:
        raise JobRunningError(
            "Another job works on the same thing; wait until it has ended.",
            details={"job_id": str(job_id)},
        )


def _concerns(job: Job) -> list[UUID]:
    ids = (job.provider_id, job.to_provider_id, job.agent_type_id)
    return [each for each in ids if each is not None]


async def _note(
    transaction: Transaction, org_id: UUID, job: Job, participle: str
) -> None:
    """Note under whose name a job begins or ends; its id is that of the object."""
    noun = job.kind.replace(".", "_")
    await note(
        transaction,
        org_id=org_id,
        actor=job.actor,
        act=f"{noun}.{participle}",
        object_id=job.id,
    )


def _claimed(row: asyncpg.Record) -> ClaimedJob | None:
    """Read a job that was claimed; None for one that this version cannot read."""
    try:
        job = Job.model_validate(row["job"])
    except ValidationError:
        log.warning("job.not_understood", job=str(row["id"]))
        return None
    return ClaimedJob(org_id=row["org_id"], job=job, told_version=row["told_version"])
