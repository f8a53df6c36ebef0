"""Since when a webhook is told of what happens, by the time at which it happened."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.metrics.conftest import Superuser

from metrics.repositories.deliveries import Happened, PostgresDeliveries
from metrics.repositories.webhooks import PostgresWebhooks
from shared.contracts.base import Actor
from shared.contracts.webhooks import (
    CreateWebhook,
    EventName,
    UpdateWebhook,
    Webhook,
    WebhookPatch,
)
from shared.database import Database
from shared.ids import new_id

pytestmark = pytest.mark.integration

ORGANIZATION = new_id()
OPERATOR = Actor(kind="api_key", id="key-1")
MADE = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


async def test_what_happened_before_one_was_made_is_not_told_but_clocks_may_differ(
    database: Database, webhooks: PostgresWebhooks, superuser: Superuser
) -> None:
    await _made(webhooks)

    await _happen(database, MADE - 31 * SECOND, MADE - 29 * SECOND, MADE + SECOND)

    assert await _told(superuser) == {MADE - 29 * SECOND, MADE + SECOND}


async def test_what_happened_while_one_was_off_is_not_told_when_it_is_on_again(
    database: Database, webhooks: PostgresWebhooks, superuser: Superuser
) -> None:
    webhook = await _made(webhooks)
    await _switch(webhooks, webhook, is_on=False, at=MADE + HOUR)
    on_at = MADE + 2 * HOUR
    await _switch(webhooks, webhook, is_on=True, at=on_at)

    await _happen(database, MADE + HOUR + SECOND, on_at - SECOND, on_at + SECOND)

    assert await _told(superuser) == {on_at + SECOND}


async def test_to_switch_on_what_is_on_loses_nothing(
    database: Database, webhooks: PostgresWebhooks, superuser: Superuser
) -> None:
    webhook = await _made(webhooks)
    await _switch(webhooks, webhook, is_on=True, at=MADE + HOUR)

    await _happen(database, MADE + SECOND)

    assert await _told(superuser) == {MADE + SECOND}


async def _made(webhooks: PostgresWebhooks) -> Webhook:
    question = CreateWebhook(
        org_id=ORGANIZATION,
        actor=OPERATOR,
        webhook_id=new_id(),
        name="Hook",
        origin="https://hooks.example.com",
        events=[EventName.ALERT_OPENED],
        sealed=b"sealed",
    )
    return await webhooks.add(question, now=MADE)


async def _switch(
    webhooks: PostgresWebhooks, webhook: Webhook, *, is_on: bool, at: datetime
) -> None:
    question = UpdateWebhook(
        org_id=ORGANIZATION,
        actor=OPERATOR,
        webhook_id=webhook.id,
        patch=WebhookPatch(enabled=is_on),
    )
    await webhooks.change(question, now=at)


async def _happen(database: Database, *times: datetime) -> None:
    """Let an event happen at each time, and be heard of now; its id is the time."""
    await PostgresDeliveries(database).add(
        [
            Happened(ORGANIZATION, at.isoformat(), EventName.ALERT_OPENED, at, "{}")
            for at in times
        ]
    )


async def _told(superuser: Superuser) -> set[datetime]:
    rows = await superuser.fetch("SELECT event_id FROM delivery")
    return {datetime.fromisoformat(row["event_id"]) for row in rows}
