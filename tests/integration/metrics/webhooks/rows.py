"""Webhooks and deliveries as rows, made past the service."""

from datetime import timedelta
from uuid import UUID

from tests.integration.metrics.conftest import Superuser

from metrics.repositories.deliveries import Happened, PostgresDeliveries
from shared.clock import utc_now
from shared.ids import new_id

__all__ = ["make_webhook", "queue"]


async def make_webhook(superuser: Superuser, org_id: UUID) -> UUID:
    webhook_id = new_id()
    await superuser.execute(
        """
        INSERT INTO webhook (
            org_id, id, name, origin, events, enabled, created_at, enabled_at
        )
        VALUES ($1, $2, $3, 'https://example.com', $4, true, $5, $5)
        """,
        org_id,
        webhook_id,
        str(webhook_id),
        ["alert.opened"],
        utc_now() - timedelta(minutes=1),
    )
    return webhook_id


async def queue(deliveries: PostgresDeliveries, org_id: UUID, count: int) -> None:
    await deliveries.add(
        [
            Happened(org_id, str(new_id()), "alert.opened", utc_now(), "{}")
            for _ in range(count)
        ]
    )
