"""`/limits`: how much of each limit is left right now."""

from uuid import UUID

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input
from shared.bus import Bus
from shared.contracts.limits import LIST_LIMITS, Limits, LimitsQuestion

__all__ = ["LimitRoutes"]


class LimitsQuery(Input):
    """Of which provider or agent; of all if none is named."""

    of_id: UUID | None = None


class LimitRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /limits", needs=Permission.USAGE_READ)
    async def list_limits(self, asked: Asked, query: LimitsQuery) -> Limits:
        """List the limits that calls have met in the last day, with what is left.

        A limit that no call has met yet is left whole, and not listed.
        """
        question = LimitsQuestion(
            org_id=asked.org_id, actor=asked.actor, of_id=query.of_id
        )
        return await self._bus.ask(LIST_LIMITS, question)
