"""Shipping records to metrics: numbered, in order, again until it says they count.

Two sources: the spool of this runner (model calls), and the outbox of the schema
(finished messages and tool calls). Metrics answers how far it has come; that is where
we go on, so a repeat counts nothing twice and a gap cannot happen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.metrics import INGEST, Ingest, IngestRecord
from shared.errors import AppError

from .repositories.outbox import OutboxRepository
from .spool.errors import SpoolBrokenError, SpoolDamagedError
from .spool.spool import Spool

__all__ = ["ship_outbox", "ship_spool"]

log = structlog.get_logger(__name__)

_BATCH = 500
_BATCH_BYTES = 512 * 1024
_PAUSE = timedelta(milliseconds=50)
_PAUSE_AFTER_FAILURE = timedelta(seconds=1)
_OUTBOX_PAUSE = timedelta(milliseconds=200)
_KEPT = timedelta(hours=24)
_LOST = "lost: the spool's file was damaged"
_FORGOTTEN = "lost: metrics had counted it, and was set back"

Read = Callable[[int], Awaitable[list[IngestRecord]]]
Counted = Callable[[int], None]


def _unnoticed(_: int) -> None: ...


async def ship_spool(
    spool: Spool, bus: Bus, *, counted: Counted = _unnoticed, now: Clock = utc_now
) -> None:
    """Ship settled calls until cancelled; segments are kept 24 h after that.

    *counted* hears again and again how far metrics has come.
    """

    async def read(after: int) -> list[IngestRecord]:
        if after > spool.last_sequence:
            raise SpoolDamagedError(
                f"Metrics has counted {after} calls of this spool, which ends at"
                f" {spool.last_sequence}: it was cut. Move its folder away."
            )
        counted(after)
        records = spool.read_settled(
            after,
            limit=_BATCH,
            max_bytes=_BATCH_BYTES,
            through=spool.durable_through,
        )
        found = {each.sequence: each.payload.decode() for each in records}
        return _without_gaps(after, found, lost=_LOST)

    async def shipped(through: int) -> None:
        spool.forget(through, older_than=now() - _KEPT)

    await _ship(bus, source=spool.id, read=read, shipped=shipped, pause=_PAUSE)


async def ship_outbox(outbox: OutboxRepository, bus: Bus) -> None:
    """Ship what the outbox holds until cancelled; any runner may, and several do."""

    async def read(after: int) -> list[IngestRecord]:
        records = await outbox.read(after, limit=_BATCH)
        found = {each.sequence: each.payload for each in records}
        return _without_gaps(after, found, lost=_FORGOTTEN)

    await _ship(
        bus,
        source=await outbox.source(),
        read=read,
        shipped=outbox.forget,
        pause=_OUTBOX_PAUSE,
    )


def _without_gaps(
    after: int, found: Mapping[int, str], *, lost: str
) -> list[IngestRecord]:
    """Stand in for records that are not there any more: they become dead letters."""
    last = min(max(found, default=after), after + _BATCH)
    return [
        IngestRecord(sequence=sequence, payload=found.get(sequence, lost))
        for sequence in range(after + 1, last + 1)
    ]


async def _ship(
    bus: Bus,
    *,
    source: UUID,
    read: Read,
    shipped: Callable[[int], Awaitable[None]],
    pause: timedelta,
) -> None:
    """Go on from where metrics is; an edge: a loop that survives its failures."""
    through: int | None = None
    while True:
        try:
            if through is None:
                through = await _applied(bus, Ingest(source=source))
            records = await read(through)
            if not records:
                await asyncio.sleep(pause.total_seconds())
                continue
            through = await _applied(bus, Ingest(source=source, records=records))
            await shipped(through)
        except (SpoolBrokenError, SpoolDamagedError):
            raise
        except AppError as error:
            log.warning("shipping.waits", source=str(source), reason=error.message)
            through = None
            await asyncio.sleep(_PAUSE_AFTER_FAILURE.total_seconds())


async def _applied(bus: Bus, ingest: Ingest) -> int:
    return (await bus.ask(INGEST, ingest)).applied_through
