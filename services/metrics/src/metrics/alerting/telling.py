"""The use case of telling: an alert that opened or was resolved becomes an event."""

from uuid import uuid5

from metrics.repositories.alerts import AlertsRepository, Untold
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.alerts import (
    ALERT_OPENED,
    ALERT_RESOLVED,
    AlertOpened,
    AlertResolved,
)

__all__ = ["Teller"]


class Teller:
    """Publishes each change of an alert, at least once; ids drop repeats.

    What is silenced is told when the silence ends, as it is then.
    """

    def __init__(self, alerts: AlertsRepository, bus: Bus, *, now: Clock) -> None:
        self._alerts = alerts
        self._bus = bus
        self._now = now

    async def tell(self) -> None:
        """Tell all there is to tell. Raises `UnavailableError`."""
        while untold := await self._alerts.untold(now=self._now()):
            for each in untold:
                await self._tell(each)
            await self._alerts.note_told(untold)

    async def _tell(self, untold: Untold) -> None:
        alert, org_id = untold.alert, untold.org_id
        if not untold.opening_told:
            event_id = uuid5(alert.id, "opened")
            opened = AlertOpened(id=event_id, org_id=org_id, alert=alert)
            await self._bus.publish(ALERT_OPENED, opened)
        if alert.resolved_at is not None:
            event_id = uuid5(alert.id, "resolved")
            resolved = AlertResolved(id=event_id, org_id=org_id, alert=alert)
            await self._bus.publish(ALERT_RESOLVED, resolved)
