"""PostgreSQL: pools, and transactions that see one organization.

Every table's row-level security compares `org_id` with the setting `ag2trust.org_id`,
which `organization` sets inside the transaction; without it there are no rows.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import asyncpg
import structlog
from pydantic import SecretStr

from .array_types import know_arrays
from .database_servers import UNREACHABLE, DatabaseServers
from .errors import DatabaseUnavailableError
from .settings import DatabaseSettings, SettingsError

__all__ = ["Database", "Transaction", "connect_database", "connecting", "refusing"]

Transaction: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""A connection inside a transaction; only repositories use it."""

log = structlog.get_logger(__name__)

_ACQUIRE_SECONDS = 5.0
_COMMAND_SECONDS = 15.0
_RETRY_AFTER_SECONDS = 2.0

_NO_ROOM = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)
_KEPT_OUT = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


class Database:
    """Two pools of one schema: one organization at a time, or a sweep over all."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        sweep_pool: "asyncpg.Pool[asyncpg.Record]",
    ) -> None:
        self._pool = pool
        self._sweep_pool = sweep_pool

    @asynccontextmanager
    async def organization(self, org_id: UUID) -> AsyncIterator[Transaction]:
        """Open a transaction that sees and writes the rows of *org_id* alone."""
        async with _connection(self._pool) as connection, _of(org_id, connection):
            yield connection

    @asynccontextmanager
    async def sweep_once(self) -> AsyncIterator[Transaction]:
        """Open what `sweep` does, for a single statement that is its own transaction.

        A process that is stopped right behind it leaves no lock.
        """
        async with _connection(self._sweep_pool) as connection:
            yield connection

    @asynccontextmanager
    async def sweep(self) -> AsyncIterator[Transaction]:
        """Open a transaction over all organizations; for sweeps, and for login."""
        async with (
            _connection(self._sweep_pool) as connection,
            connection.transaction(),
        ):
            yield connection


@asynccontextmanager
async def connect_database(settings: DatabaseSettings) -> AsyncIterator[Database]:
    """Open the pools of both logins: one organization's, and that of sweeps."""
    logging.getLogger("asyncpg.pool").addFilter(_PLAINLY)
    async with AsyncExitStack() as stack:
        pools = [
            await stack.enter_async_context(_pool(url))
            for url in (settings.database_url, settings.sweep_database_url)
        ]
        yield Database(*pools)


@asynccontextmanager
async def refusing() -> AsyncIterator[None]:
    """Translate what PostgreSQL cannot do now into an error callers may see."""
    try:
        yield
    except UNREACHABLE as error:
        raise DatabaseUnavailableError(
            "The database cannot be reached right now.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error
    except _NO_ROOM as error:
        raise DatabaseUnavailableError(
            "The database has no room: the disk or the memory of its machine is full.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error
    except asyncpg.InvalidCachedStatementError as error:  # prepared anew the next time
        raise DatabaseUnavailableError(
            "The tables have just been changed by a newer version.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error
    except _KEPT_OUT as error:
        raise DatabaseUnavailableError(
            "The database does not let us in.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error


@asynccontextmanager
async def connecting() -> AsyncIterator[None]:
    """Translate what goes wrong with a first connection, a wrong URL included.

    asyncpg's words about a URL may hold a piece of its password.
    """
    async with refusing():
        try:
            yield
        except (ValueError, OverflowError):
            raise SettingsError(
                "A database URL cannot be used; it looks like "
                "postgresql://role:password@host:5432/database."
            ) from None


@asynccontextmanager
async def _connection(
    pool: "asyncpg.Pool[asyncpg.Record]",
) -> AsyncIterator[Transaction]:
    async with (
        _staying_cancelled(),
        refusing(),
        pool.acquire(timeout=_ACQUIRE_SECONDS) as connection,
        _noticing_loss(connection),
    ):
        yield connection


@asynccontextmanager
async def _staying_cancelled() -> AsyncIterator[None]:
    """Let a cancellation out that a lost connection hid, when it was to roll back.

    A loop that goes on after failures would go on after its end.
    """
    before = _cancellations()
    try:
        yield
    except DatabaseUnavailableError as error:
        if _cancellations() > before:
            raise asyncio.CancelledError from error
        raise


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


@asynccontextmanager
async def _of(org_id: UUID, connection: Transaction) -> AsyncIterator[None]:
    """Open a transaction and say whose it is in one round trip, not in two."""
    try:
        await connection.execute(
            f"BEGIN; SELECT set_config('ag2trust.org_id', '{org_id.hex}', true)"
        )
        yield
        await connection.execute("COMMIT")
    except BaseException:
        await connection.execute("ROLLBACK")
        raise


@asynccontextmanager
async def _noticing_loss(connection: Transaction) -> AsyncIterator[None]:
    """Tell a lost connection from a misused one: asyncpg calls both a misuse."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        if not _is_lost(connection):
            raise
        raise asyncpg.ConnectionDoesNotExistError from error


def _is_lost(connection: Transaction) -> bool:
    """Ask, knowing that a lost connection has left its pool and refuses to answer."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


@asynccontextmanager
async def _pool(url: SecretStr) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    async with connecting():
        pool = await asyncpg.create_pool(
            url.get_secret_value(),
            min_size=1,
            max_size=10,
            connect=DatabaseServers().connect,
            timeout=_ACQUIRE_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            init=_teach_types,
            reset=_left_as_it_was,
        )
    try:
        yield pool
    finally:
        pool.terminate()


async def _teach_types(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )
    know_arrays(connection)  # last: each codec of ours makes it forget them


async def _left_as_it_was(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Reset nothing, which would be a round trip after every transaction.

    What is set, locked or declared here ends with its transaction; asyncpg itself rolls
    one back that was left open.
    """


class _Plainly(logging.Filter):
    """Say in a line what asyncpg's pools say with a traceback, at each try to connect.

    They try at longer and longer intervals, up to a minute.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        failure = record.exc_info[1] if record.exc_info else None
        if not isinstance(failure, UNREACHABLE):
            return True
        log.warning("database.unreachable", reason=type(failure).__name__)
        return False


_PLAINLY = _Plainly()
