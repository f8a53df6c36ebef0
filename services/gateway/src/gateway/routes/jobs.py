"""`/jobs/{id}`: how far a job is. The only kind so far is the rewrap."""

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from shared.bus import Bus
from shared.contracts.master_key import GET_REWRAP, Rewrap, RewrapQuestion
from shared.errors import JobNotFoundError

__all__ = ["JobRoutes"]


class JobRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /jobs/{id}", needs=Permission.JOBS_READ, missing=JobNotFoundError)
    async def get_job(self, asked: Asked) -> Rewrap:
        """Show how far a job is."""
        question = RewrapQuestion(
            org_id=asked.org_id, actor=asked.actor, rewrap_id=asked.id
        )
        return await self._bus.ask(GET_REWRAP, question)
