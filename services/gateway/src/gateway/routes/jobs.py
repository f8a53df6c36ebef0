"""`/jobs`: how far jobs are, whoever does them."""

from gateway.access.permissions import Permission
from gateway.jobs.jobs import Jobs
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.jobs import Job
from shared.contracts.master_key import GET_REWRAP, Rewrap, RewrapQuestion
from shared.contracts.metrics import GET_REPRICING
from shared.contracts.prices import Repricing, RepricingQuestion
from shared.errors import JobNotFoundError, RepricingNotFoundError

__all__ = ["JobRoutes"]


class JobRoutes:
    def __init__(self, bus: Bus, jobs: Jobs) -> None:
        self._bus = bus
        self._jobs = jobs

    @operation("GET /jobs", needs=Permission.JOBS_READ)
    async def list_jobs(self, asked: Asked, query: PageQuery) -> Page[Job]:
        """List rotations and rolling restarts, newest first."""
        return await self._jobs.page(asked.page(query))

    @operation("GET /jobs/{id}", needs=Permission.JOBS_READ, missing=JobNotFoundError)
    async def get_job(self, asked: Asked) -> Job | Rewrap | Repricing:
        """Show how far a job is; that of the master key to who may see the key."""
        try:
            return await self._jobs.one(asked.org_id, asked.id)
        except JobNotFoundError:
            return await self._job_of_another(asked)

    async def _job_of_another(self, asked: Asked) -> Rewrap | Repricing:
        if Permission.MASTER_KEY_READ in asked.who.permissions:
            try:
                return await self._rewrap(asked)
            except JobNotFoundError:
                pass
        try:
            return await self._repricing(asked)
        except RepricingNotFoundError:
            raise JobNotFoundError("There is no such job.") from None

    async def _rewrap(self, asked: Asked) -> Rewrap:
        question = RewrapQuestion(
            org_id=asked.org_id, actor=asked.actor, rewrap_id=asked.id
        )
        return await self._bus.ask(GET_REWRAP, question)

    async def _repricing(self, asked: Asked) -> Repricing:
        question = RepricingQuestion(
            org_id=asked.org_id, actor=asked.actor, repricing_id=asked.id
        )
        return await self._bus.ask(GET_REPRICING, question)
