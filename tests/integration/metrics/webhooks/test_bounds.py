"""Deliveries end: by age, and by how many may wait; in a real database."""

import pytest
from tests.integration.metrics.conftest import Superuser

from metrics.repositories.deliveries import PostgresDeliveries
from metrics.repositories.delivery_bounds import PostgresDeliveryBounds
from metrics.webhooks.bounds import Bounds
from shared.clock import utc_now
from shared.contracts.base import Actor
from shared.contracts.webhooks import ReplayDeliveries
from shared.database import Database
from shared.ids import new_id

from .rows import make_webhook, queue

pytestmark = pytest.mark.integration

_AGE = "UPDATE delivery SET created_at = now() - $1::integer * interval '1 day'"
_FAIL = """
UPDATE delivery SET status = 'failed', due_at = NULL, failures = 1, attempts = '[{}]'
"""


@pytest.fixture
def bounds(database: Database) -> Bounds:
    return Bounds(PostgresDeliveryBounds(database), at_once=2, most_waiting=2)


@pytest.mark.parametrize(
    ("status", "days", "left"),
    [
        ("delivered", 7, 5),
        ("delivered", 9, 0),
        ("failed", 29, 5),
        ("failed", 31, 0),
        ("pending", 31, 5),
    ],
)
async def test_what_ended_is_dropped_when_it_is_old(
    bounds: Bounds,
    deliveries: PostgresDeliveries,
    superuser: Superuser,
    *,
    status: str,
    days: int,
    left: int,
) -> None:
    org_id = new_id()
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 5)
    await superuser.execute(
        """
        UPDATE delivery
        SET status = $1, due_at = CASE WHEN $1 = 'pending' THEN now() END
        """,
        status,
    )
    await superuser.execute(_AGE, days)

    await bounds.drop_old()

    assert await _count(superuser) == left


@pytest.mark.parametrize(("days", "left"), [(29, 5), (31, 0)])
async def test_what_waits_for_a_disabled_webhook_is_dropped_when_it_is_old(
    bounds: Bounds,
    deliveries: PostgresDeliveries,
    superuser: Superuser,
    days: int,
    left: int,
) -> None:
    org_id = new_id()
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 5)
    await superuser.execute("UPDATE webhook SET enabled = false")
    await superuser.execute(_AGE, days)

    await bounds.drop_old()

    assert await _count(superuser) == left


async def test_a_webhook_that_too_much_waits_for_is_disabled(
    bounds: Bounds, deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    full, overflowing = new_id(), new_id()
    for org_id, count in ((full, 2), (overflowing, 3)):
        await make_webhook(superuser, org_id)
        await queue(deliveries, org_id, count)

    await bounds.disable_overflowing()

    enabled = await superuser.fetch("SELECT org_id FROM webhook WHERE enabled")
    assert [row["org_id"] for row in enabled] == [full]


async def test_a_webhook_is_not_disabled_for_what_somebody_replays(
    bounds: Bounds, deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    org_id, began = new_id(), utc_now()
    webhook_id = await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 3)
    await superuser.execute(_FAIL)
    question = ReplayDeliveries(
        org_id=org_id,
        actor=Actor(kind="api_key", id="key-1"),
        webhook_id=webhook_id,
        failed_since=began,
    )
    replayed = await deliveries.replay(question, now=utc_now())

    await bounds.disable_overflowing()

    assert replayed == 3
    assert await superuser.fetchval("SELECT enabled FROM webhook")


async def _count(superuser: Superuser) -> int:
    return int(await superuser.fetchval("SELECT count(*) FROM delivery"))
