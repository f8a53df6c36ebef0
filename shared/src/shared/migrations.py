"""Apply a service's numbered SQL files, once each, in order."""

from importlib.resources import files

import asyncpg
import structlog

from .database import refusing
from .settings import DatabaseSettings

__all__ = ["migrate"]

log = structlog.get_logger(__name__)

_LEDGER = """
CREATE TABLE IF NOT EXISTS migration (
    name       text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


async def migrate(settings: DatabaseSettings, package: str) -> None:
    """Bring the schema up to *package*'s newest file, as its owner; safe to race."""
    scripts = sorted(
        (script for script in files(package).iterdir() if script.name.endswith(".sql")),
        key=lambda script: script.name,
    )
    async with refusing():
        connection = await asyncpg.connect(
            settings.owner_database_url.get_secret_value(), timeout=10
        )
        try:
            async with connection.transaction():
                await connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtext($1))", package
                )
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
    await connection.execute(sql)
    await connection.execute("INSERT INTO migration (name) VALUES ($1)", name)
    log.info("migration.applied", name=name)
