"""The use cases of bounding deliveries: nothing is kept, or waits, without end."""

from datetime import timedelta

from metrics.repositories.delivery_bounds import PostgresDeliveryBounds
from shared.contracts.webhooks import DeliveryStatus

__all__ = ["Bounds"]

_KEPT = timedelta(days=30)
_DELIVERED_KEPT = timedelta(days=8)
"""A day longer than the stream holds an event: nothing is told again as if it were new,
should the stream forget who reads it."""

_AT_ONCE = 10_000
_MOST_WAITING = 100_000
_OVERFLOWING = "More than 100,000 deliveries were waiting."


class Bounds:
    """*at_once* are dropped in a transaction, *most_waiting* of a webhook may wait."""

    def __init__(
        self,
        deliveries: PostgresDeliveryBounds,
        *,
        at_once: int = _AT_ONCE,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._deliveries = deliveries
        self._at_once = at_once
        self._most_waiting = most_waiting

    async def drop_old(self) -> None:
        """Drop what ended, or waits for a disabled webhook, and is kept no longer."""
        await self._drop_ended(DeliveryStatus.DELIVERED, kept=_DELIVERED_KEPT)
        await self._drop_ended(DeliveryStatus.FAILED, kept=_KEPT)
        while await self._deliveries.drop_abandoned(kept=_KEPT, most=self._at_once):
            pass

    async def disable_overflowing(self) -> None:
        """Disable webhooks that too much waits for."""
        await self._deliveries.disable_overflowing(
            most=self._most_waiting, reason=_OVERFLOWING
        )

    async def _drop_ended(self, status: DeliveryStatus, *, kept: timedelta) -> None:
        while await self._deliveries.drop_ended(status, kept=kept, most=self._at_once):
            pass
