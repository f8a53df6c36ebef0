"""Runners' shares on a real PostgreSQL, whose clock a test may set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from ag2trust.testing import Stack
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind
from agent_runner.repositories.limit_shares import ShareRepository
from agent_runner.settings import Settings
from shared.contracts.base import Service
from shared.database import Database, connect_database
from shared.ids import new_id
from shared.lifecycle import background
from shared.migrations import migrate

__all__ = ["ORG", "SharedRecord", "limit", "open_record"]

ORG = new_id()


def limit(amount: int | None, kind: LimitKind = LimitKind.REQUESTS) -> Limit:
    return Limit(f"provider:x:{kind}", ORG, kind, amount, 1, 'provider "x"', ORG)


@dataclass
class SharedRecord:
    settings: Settings
    database: Database

    def repository(self, runner: str, *, epoch: int = 1) -> ShareRepository:
        return ShareRepository(self.database, runner=runner, epoch=epoch)

    @asynccontextmanager
    async def runner(self, name: str, *, epoch: int = 1) -> AsyncIterator[Leasing]:
        """Let a runner lease, over connections of its own."""
        async with connect_database(self.settings) as database:
            record = ShareRepository(database, runner=name, epoch=epoch)
            await record.inherit()
            leasing = Leasing(record)
            async with background(leasing.run()):
                yield leasing

    async def set_clock(self, seconds: float) -> None:
        """Set the database's clock forwards by *seconds*, or back."""
        url = self.settings.owner_database_url.get_secret_value()
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                f"""
                CREATE OR REPLACE FUNCTION database_time() RETURNS timestamptz
                LANGUAGE sql VOLATILE
                AS 'SELECT clock_timestamp() + make_interval(secs => {seconds})'
                """
            )
        finally:
            await connection.close()


@asynccontextmanager
async def open_record(stack: Stack) -> AsyncIterator[SharedRecord]:
    settings = stack.settings(Settings, Service.AGENT_RUNNER)
    await migrate(settings, "agent_runner.migrations")
    async with connect_database(settings) as database:
        yield SharedRecord(settings, database)
