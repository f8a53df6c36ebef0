"""The service without its defence: it forgets before each batch what it has applied.

A negative control for the tests that kill the service, run as a program like it. It
believes that a batch begins where the last one ended, and after its death that the last
batch is still to come.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from metrics.administration.repricing import Repricer
from metrics.app import answers
from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.repricing import PostgresRepricing
from metrics.repositories.rollups import Turns
from metrics.settings import Settings
from shared.bus import connect_bus
from shared.contracts.base import Service
from shared.contracts.metrics import Ingest, Ingested
from shared.database import Database, connect_database
from shared.identity import Identity
from shared.lifecycle import main
from shared.migrations import migrate


class ForgetfulLedger(Ledger):
    def __init__(self, database: Database) -> None:
        super().__init__(PostgresLedger(database, Turns()), JustCounted())
        self._database = database

    async def ingest(self, batch: Ingest) -> Ingested:
        if not batch.records:
            return await super().ingest(batch)
        await self._forget(batch)
        answer = await super().ingest(batch)
        await self._forget(batch)
        return answer

    async def _forget(self, batch: Ingest) -> None:
        async with self._database.sweep() as transaction:
            await transaction.execute(
                "UPDATE sequence SET applied_through = $2 WHERE source = $1",
                batch.source,
                batch.records[0].sequence - 1,
            )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    identity = Identity.from_file(settings.identity_file)
    await migrate(settings, "metrics.migrations")
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect_database(settings))
        bus = await stack.enter_async_context(
            connect_bus(settings.nats_url, service=Service.METRICS, identity=identity)
        )
        ledger = ForgetfulLedger(database)
        repricer = Repricer(PostgresRepricing(database, Turns()))
        answered = answers(database, settings, ledger=ledger, repricer=repricer)
        await stack.enter_async_context(bus.serving(Service.METRICS, *answered))
        yield


if __name__ == "__main__":
    main("metrics", Settings, serving)
