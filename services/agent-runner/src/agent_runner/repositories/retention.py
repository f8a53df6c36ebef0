"""Removing old conversations from PostgreSQL, whosever they are, a few at a time."""

from datetime import datetime

from shared.database import Database

__all__ = ["forget_messages", "forget_threads"]


async def forget_messages(database: Database, *, until: datetime, limit: int) -> int:
    """Remove messages that have been final since *until*; returns how many."""
    async with database.sweep() as transaction:
        removed: int = await transaction.fetchval(
            """
            WITH removed AS (
                DELETE FROM message
                WHERE id IN (
                    SELECT id
                    FROM message
                    WHERE finished_at < $1
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING 1
            )
            SELECT count(*) FROM removed
            """,
            until,
            limit,
        )
    return removed


async def forget_threads(database: Database, *, until: datetime, limit: int) -> int:
    """Remove empty threads in which nobody spoke since *until*; returns how many.

    Who speaks in one updates its row, which makes this statement pass it over.
    """
    async with database.sweep() as transaction:
        removed: int = await transaction.fetchval(
            """
            WITH removed AS (
                DELETE FROM thread
                WHERE id IN (
                    SELECT t.id
                    FROM thread t
                    WHERE t.updated_at < $1 AND NOT EXISTS (
                        SELECT 1 FROM message m WHERE m.thread_id = t.id
                    )
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING 1
            )
            SELECT count(*) FROM removed
            """,
            until,
            limit,
        )
    return removed
