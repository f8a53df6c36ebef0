"""What the event stream still has of the calls that were counted."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from ag2trust.testing import identity_of
from ag2trust.waiting import until
from shared.bus import connect_bus
from shared.contracts.base import Service
from shared.errors import UnavailableError
from shared.event_stream import EventSource, Position

from .cluster import Cluster

__all__ = ["counted_calls", "told_calls"]

_SECONDS = 60.0
_BEFORE_ANY = Position(10**17, "")


async def counted_calls(cluster: Cluster) -> set[str]:
    return {each["call_id"] for each in await cluster.operator.all_of("/api/calls")}


async def told_calls(cluster: Cluster, *, wanted: set[str]) -> Counter[str]:
    """Read the stream from its beginning until all of *wanted* have come.

    Return how often each call did.
    """
    return await until(
        f"all of {wanted}",
        lambda: _told(cluster, wanted),
        lambda told: wanted <= told.keys(),
        not_yet=UnavailableError,  # as long as NATS has no leader
    )


async def _told(cluster: Cluster, wanted: set[str]) -> Counter[str]:
    told: Counter[str] = Counter()
    async with _reading(cluster) as source:
        while not wanted <= told.keys():
            event = await source.next(patience=_SECONDS)
            if event and event.name == "call.finished":
                told[event.position.event_id] += 1
    return told


@asynccontextmanager
async def _reading(cluster: Cluster) -> AsyncIterator[EventSource]:
    organization = await cluster.operator.ask("GET", "/api/organization")
    async with (
        connect_bus(
            cluster.stack.servers.nats_url,
            service=Service.GATEWAY,
            identity=identity_of(Service.GATEWAY),
        ) as bus,
        bus.reading_events(UUID(organization.body["id"]), _BEFORE_ANY) as source,
    ):
        yield source
