"""What has ended is forgotten at once, on every gateway."""

from uuid import UUID

from shared.bus import Bus
from shared.contracts.gateway import ACCESS_CHANGED, AccessChanged

from .remembering import Remembering

__all__ = ["Revocations"]


class Revocations:
    """Tells *remembered* here, and by a signal those of the other gateways.

    A signal that is lost costs the seconds for which an answer is trusted.
    """

    def __init__(self, bus: Bus, *remembered: Remembering) -> None:
        self._bus = bus
        self._remembered = remembered

    async def forget(self, principal_id: UUID) -> None:
        """Look this key, or the sessions of this person, up anew everywhere."""
        self.heard(AccessChanged(principal_id=principal_id))
        await self._bus.signal(ACCESS_CHANGED, AccessChanged(principal_id=principal_id))

    def heard(self, change: AccessChanged) -> None:
        for each in self._remembered:
            each.forget(change.principal_id)
