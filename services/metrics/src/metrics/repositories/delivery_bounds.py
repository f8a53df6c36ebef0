"""What bounds the deliveries in PostgreSQL: their age, and how many of them wait."""

from datetime import timedelta

from shared.contracts.webhooks import DeliveryStatus
from shared.database import Database

__all__ = ["PostgresDeliveryBounds"]


class PostgresDeliveryBounds:
    """Drops in pieces, and leaves what is locked for the next: nobody waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def drop_ended(
        self, status: DeliveryStatus, *, kept: timedelta, most: int
    ) -> int:
        """Drop and count up to *most* that ended so and are older than *kept*."""
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                WITH old AS (
                    SELECT org_id, id
                    FROM delivery
                    WHERE status <> 'pending'
                        AND status = $1
                        AND created_at < now() - $2::interval
                    LIMIT $3
                    FOR UPDATE SKIP LOCKED
                )
                DELETE FROM delivery d
                USING old
                WHERE d.org_id = old.org_id AND d.id = old.id
                RETURNING 1
                """,
                status,
                kept,
                most,
            )
        return len(rows)

    async def drop_abandoned(self, *, kept: timedelta, most: int) -> int:
        """Drop and count up to *most* that wait for a webhook that is disabled."""
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                WITH old AS (
                    SELECT d.org_id, d.id
                    FROM delivery d
                    JOIN webhook w ON w.org_id = d.org_id AND w.id = d.webhook_id
                    WHERE NOT w.enabled
                        AND d.status = 'pending'
                        AND d.created_at < now() - $1::interval
                    LIMIT $2
                    FOR UPDATE OF d SKIP LOCKED
                )
                DELETE FROM delivery d
                USING old
                WHERE d.org_id = old.org_id AND d.id = old.id
                RETURNING 1
                """,
                kept,
                most,
            )
        return len(rows)

    async def disable_overflowing(self, *, most: int, reason: str) -> None:
        """Disable every webhook for which more than *most* deliveries wait.

        One that somebody replayed is not counted: it has more attempts than failures
        since.
        """
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                UPDATE webhook w
                SET enabled = false, disabled_reason = $2, version = version + 1,
                    updated_at = now()
                WHERE enabled
                    AND (
                        SELECT count(*)
                        FROM delivery d
                        WHERE d.org_id = w.org_id
                            AND d.webhook_id = w.id
                            AND d.status = 'pending'
                            AND jsonb_array_length(d.attempts) = d.failures
                    ) > $1
                """,
                most,
                reason,
            )
