"""Finding hosts for agents that have none, and telling them."""

from shared.bus import Bus
from shared.contracts.agent_runner import WAKE, Wake
from shared.database import Database

from .explanations import explanation
from .repositories.placement import place_waiting

__all__ = ["Placement"]

_NOBODY = explanation(
    "NO_RUNNER", "No runner that is alive takes agents of this type right now."
)


class Placement:
    """Any runner places any agent: after a start, and again every few seconds."""

    def __init__(self, *, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def place(self) -> None:
        for placed in await place_waiting(self._database, reason=_NOBODY):
            await self._bus.signal(
                WAKE, Wake(agent_id=placed.agent_id), key=placed.runner
            )
