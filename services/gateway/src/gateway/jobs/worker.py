"""Working at jobs: any gateway takes what nobody works at, and goes on where it is.

A claim ends by itself soon after its gateway. Whatever was done is done again by
nobody but the step that was at work, and steps may be done again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog

from gateway.repositories.jobs import ClaimedJob, JobRepository
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.jobs import (
    JOB_ADVANCED,
    AgentProgress,
    Job,
    JobAdvanced,
)
from shared.errors import AppError
from shared.ids import new_id
from shared.lifecycle import every

from .planning import after, current_step, pause_after
from .steps import Steps

__all__ = ["Worker"]

log = structlog.get_logger(__name__)

_ROUND = timedelta(seconds=1)
_CLAIM = timedelta(seconds=10)
_RENEWED_EVERY = timedelta(seconds=3)
_MOST_JOBS = 10


class Worker:
    """*woken* is set when there is a new job; *pause* waits so many seconds."""

    def __init__(
        self,
        repository: JobRepository,
        bus: Bus,
        steps: Steps,
        *,
        now: Clock = utc_now,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.woken = asyncio.Event()
        self._id = new_id()
        self._repository = repository
        self._bus = bus
        self._steps = steps
        self._now = now
        self._pause = pause
        self._held: set[UUID] = set()

    async def run(self) -> None:
        """Work until cancelled; what is held then is free for others at once."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._rounds(tasks))
            tasks.create_task(every(_RENEWED_EVERY, self._renew, name="jobs.claims"))

    async def _rounds(self, tasks: asyncio.TaskGroup) -> None:
        async def look() -> None:
            room = _MOST_JOBS - len(self._held)
            for claimed in await self._repository.claim(
                self._id, lasting=_CLAIM, limit=room, held=self._held
            ):
                self._held.add(claimed.job.id)
                tasks.create_task(self._work_at(claimed))

        await every(_ROUND, look, name="jobs", woken=self.woken)

    async def _renew(self) -> None:
        if self._held:
            await self._repository.renew(self._id, lasting=_CLAIM)

    async def _work_at(self, claimed: ClaimedJob) -> None:
        """Keep one job's failure from the others: an edge of a loop that survives.

        What failed here is taken again by a later round, as after a crash.
        """
        try:
            await self._bring_to_its_end(claimed)
        except _LostError:
            log.warning("job.lost", job=str(claimed.job.id))
        except AppError as error:
            log.warning("job.left", job=str(claimed.job.id), reason=error.code)
        except Exception:
            log.exception("job.crashed", job=str(claimed.job.id))
        finally:
            self._held.discard(claimed.job.id)
            await self._release(claimed.job.id)

    async def _bring_to_its_end(self, claimed: ClaimedJob) -> None:
        job = claimed.job
        if claimed.told_version < job.version:
            await self._tell(claimed.org_id, job)
        while (step := current_step(job)) is not None:
            outcome = await self._steps.take(step.name, job, org_id=claimed.org_id)
            ahead = after(job, outcome, now=self._now())
            if ahead != job:
                job = await self._kept(claimed.org_id, ahead)
            await self._pause(pause_after(outcome, job).total_seconds())
        log.info("job.ended", job=str(job.id), status=job.status)

    async def _kept(self, org_id: UUID, ahead: Job) -> Job:
        job = ahead.model_copy(update={"version": ahead.version + 1})
        if not await self._repository.keep(self._id, org_id, job):
            raise _LostError
        await self._tell(org_id, job)
        return job

    async def _tell(self, org_id: UUID, job: Job) -> None:
        """Publish how far it is; first told, then noted: a repeat has the same id."""
        await self._bus.publish(JOB_ADVANCED, _event(org_id, job))
        await self._repository.note_told(self._id, org_id, job)

    async def _release(self, job_id: UUID) -> None:
        """Let others go on at once; if that fails, they may soon."""
        try:
            await self._repository.release(self._id, job_id)
        except AppError as error:
            log.warning("job.not_released", job=str(job_id), reason=error.code)


class _LostError(Exception):
    """Another gateway has taken a job, because this one was silent for too long."""


def _event(org_id: UUID, job: Job) -> JobAdvanced:
    step = current_step(job)
    agents = job.agents or []
    return JobAdvanced(
        id=uuid5(NAMESPACE_OID, f"{org_id}/{job.id}/{job.version}"),
        org_id=org_id,
        job_id=job.id,
        kind=job.kind,
        status=job.status,
        provider_id=job.provider_id,
        agent_type_id=job.agent_type_id,
        step=step.name if step else None,
        agents=len(agents),
        restarted=_count(job, AgentProgress.RESTARTED),
        skipped=_count(job, AgentProgress.SKIPPED),
    )


def _count(job: Job, progress: AgentProgress) -> int:
    return sum(agent.progress is progress for agent in job.agents or ())
