"""Apply a service's numbered SQL files, once each, in order."""

from importlib.resources import files

import asyncpg
import structlog

from .database import connecting, refusing
from .database_servers import DatabaseServers
from .errors import AppError
from .settings import DatabaseSettings

__all__ = ["MigrationFailedError", "migrate"]

log = structlog.get_logger(__name__)

_LEDGER = """
CREATE TABLE IF NOT EXISTS migration (
    name       text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationFailedError(AppError):
    """PostgreSQL refused a file; nothing of this run is left, and no service starts."""


async def migrate(settings: DatabaseSettings, package: str) -> None:
    """Bring the schema up to *package*'s newest file, as its owner; safe to race.

    All files are applied, or none. A file that touches rows of a table whose row-level
    security is forced must lift that first: it would see none of them otherwise, and
    fails here instead. Raise `MigrationFailedError` with the name of the file that
    failed.
    """
    scripts = sorted(
        (script for script in files(package).iterdir() if script.name.endswith(".sql")),
        key=lambda script: script.name,
    )
    async with connecting():
        connection = await DatabaseServers().connect(
            settings.owner_database_url.get_secret_value(), timeout=10
        )
    async with refusing():
        try:
            async with connection.transaction():
                await connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtext($1))", package
                )
                await connection.execute("SET LOCAL row_security = off")
                await connection.execute(_LEDGER)
                rows = await connection.fetch("SELECT name FROM migration")
                applied = {row["name"] for row in rows}
                for script in scripts:
                    if script.name not in applied:
                        await _apply(connection, script.name, script.read_text("utf-8"))
        finally:
            await connection.close(timeout=5)


async def _apply(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, sql: str
) -> None:
    try:
        async with refusing():
            await connection.execute(sql)
    except asyncpg.PostgresError as error:
        raise MigrationFailedError(
            f"The migration {name} failed: {type(error).__name__}, {error.sqlstate}."
        ) from error
    await connection.execute("INSERT INTO migration (name) VALUES ($1)", name)
    log.info("migration.applied", name=name)
