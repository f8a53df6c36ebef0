"""The use case of hearing: an event that a webhook asks for becomes a delivery."""

import asyncio
from collections.abc import Iterable

import structlog

from metrics.repositories.deliveries import Happened, PostgresDeliveries
from metrics.repositories.webhooks import PostgresWebhooks
from shared.errors import UnavailableError
from shared.event_feed import EventFeed, TakenEvent

from .bodies import happened

__all__ = ["Listener"]

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 1.0


class Listener:
    """Takes events over into rows; one is acknowledged when its rows are committed."""

    def __init__(
        self,
        webhooks: PostgresWebhooks,
        deliveries: PostgresDeliveries,
        feed: EventFeed,
        *,
        wakes: asyncio.Event,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._feed = feed
        self._wakes = wakes
        self._followed: frozenset[str] = frozenset()
        self._following = asyncio.Lock()  # or what was read first may be asked for last

    async def listen(self) -> None:
        """Take over what there is. Raises `UnavailableError`."""
        await self.follow()
        while self._followed and (events := await self._taken()):
            await self._deliveries.add(_readable(events))
            await self._feed.acknowledge(events)
            self._wakes.set()
            await self.follow()  # what was asked for meanwhile, and was not followed

    async def follow(self) -> None:
        """Ask the stream for what webhooks ask for; for nothing more, if none does.

        All processes share what is asked for, so it is looked at again: what another
        one asked for meanwhile was taken back. Raises `UnavailableError`.
        """
        async with self._following:
            while (wanted := await self._webhooks.wanted_events()) != self._followed:
                if wanted:
                    await self._feed.follow(wanted)
                self._followed = wanted

    async def _taken(self) -> list[TakenEvent]:
        try:
            return await self._feed.take(patience=_PATIENCE_SECONDS)
        except UnavailableError:
            self._followed = frozenset()  # the stream may have forgotten who reads it
            raise


def _readable(events: Iterable[TakenEvent]) -> list[Happened]:
    """Leave out what cannot be read: it would keep all that follow from being told."""
    read: list[Happened] = []
    for event in events:
        try:
            read.append(happened(event))
        except ValueError:
            log.warning("event.unreadable", event_name=event.name, event_id=event.id)
    return read
