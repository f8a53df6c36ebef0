"""Where the parts of the service meet. Read this first."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from shared.bus import Answer, answer, answer_ping, connect_bus
from shared.contracts import metrics as contract
from shared.contracts.base import Service
from shared.database import connect_database
from shared.identity import Identity
from shared.lifecycle import background, every
from shared.migrations import migrate

from .announcements import Announcer
from .announcements_repository import PostgresAnnouncements
from .ledger import Ledger
from .ledger_repository import PostgresLedger
from .reads import Reads
from .reads_repository import PostgresReads
from .settings import Settings

__all__ = ["answers", "serving"]

_ANNOUNCE_EVERY = timedelta(seconds=1)
_DECLARE_EVENTS_EVERY = timedelta(seconds=5)


def answers(ledger: Ledger, reads: Reads) -> Iterable[Answer]:
    """Every subject this service answers, and what answers it."""
    return (
        answer(contract.PING, answer_ping),
        answer(contract.INGEST, ledger.ingest),
        answer(contract.AGENT_STATS, reads.agent_stats),
        answer(contract.LIST_CALLS, reads.list_calls),
        answer(contract.GET_CALL, reads.get_call),
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Assemble the service and hold it open; leaving undoes it in reverse.

    The stream of events is declared beside the service, again and again: a slow or
    lost JetStream delays the events, never the counting.
    """
    identity = Identity.from_file(settings.identity_file)
    await migrate(settings, "metrics.migrations")
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect_database(settings))
        bus = await stack.enter_async_context(
            connect_bus(settings.nats_url, service=Service.METRICS, identity=identity)
        )
        ledger = Ledger(PostgresLedger(database))
        reads = Reads(PostgresReads(database))
        announcer = Announcer(PostgresAnnouncements(database), bus)
        await stack.enter_async_context(
            bus.serving(Service.METRICS, *answers(ledger, reads))
        )
        await stack.enter_async_context(
            background(
                bus.until_closed(),
                every(_DECLARE_EVENTS_EVERY, bus.declare_events, name="declare_events"),
                every(_ANNOUNCE_EVERY, announcer.announce, name="announce"),
            )
        )
        yield
