"""Webhooks on real servers: what is told, and what people see and change."""

import pytest
from tests.integration.metrics.conftest import Superuser

from shared.clock import utc_now
from shared.contracts.webhooks import (
    DeliveryStatus,
    EventName,
)
from shared.errors import (
    NameTakenError,
    PreconditionFailedError,
    WebhookNotFoundError,
    WebhookUrlForbiddenError,
)
from shared.ids import new_id

from .receivers import Receiver
from .speaking import SECRET, Operator, Publisher, until_status, until_told

pytestmark = pytest.mark.integration

running = pytest.mark.usefixtures("keeper", "metrics")


@running
async def test_an_event_is_told_signed_and_noted(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)

    events = await publisher.opened()
    await until_told(receiving, events)

    [delivered] = receiving.delivered
    [delivery] = await until_status(operator, webhook, DeliveryStatus.DELIVERED, 1)
    assert delivered.is_signed_with(SECRET)
    assert delivered.told["type"] == "alert.opened"
    assert delivered.told["data"]["alert"]["message"] == "Half of the calls fail."
    assert (str(delivery.id), {delivery.event_id}) == (delivered.id, events)
    assert [each.http_status for each in delivery.attempts] == [200]


@running
async def test_only_what_is_asked_for_of_ones_own_organization_is_told(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    await operator.create(receiving.url)
    stranger = Publisher(publisher.bus, new_id())

    await stranger.opened()
    await publisher.resolved()
    events = await publisher.opened()
    await until_told(receiving, events)

    assert receiving.events == events


@running
async def test_what_happened_while_nobody_was_on_is_not_told(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)
    await operator.change(webhook, enabled=False)
    await publisher.opened(3)
    await operator.change(webhook, enabled=True)

    events = await publisher.opened()
    await until_told(receiving, events)

    assert receiving.events == events


@running
async def test_a_url_into_a_private_network_or_without_tls_is_refused(
    operator: Operator, superuser: Superuser
) -> None:
    for url in ("http://127.0.0.2:8080/", "https://10.0.0.1/", "http://example.com/"):
        with pytest.raises(WebhookUrlForbiddenError):
            await operator.create(url)

    kept = "SELECT count(*) FROM credentials.webhook_secret"
    assert await superuser.fetchval(kept) == 0


@running
async def test_a_test_tells_at_once_what_came_of_it(
    operator: Operator, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)

    good = await operator.test(webhook)
    receiving.status = 503
    bad = await operator.test(webhook)

    assert good.status is DeliveryStatus.DELIVERED
    assert bad.status is DeliveryStatus.FAILED
    assert [each.http_status for each in bad.attempts] == [503]
    assert {each.told["type"] for each in receiving.delivered} == {"webhook.test"}
    assert all(each.is_signed_with(SECRET) for each in receiving.delivered)


@running
async def test_changes_are_of_what_was_given_and_refused_when_overtaken(
    operator: Operator, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)
    await operator.create(receiving.url, name="Other")

    changed = await operator.change(webhook, events=["call.finished"], if_version=1)

    assert changed.events == [EventName.CALL_FINISHED]
    assert (changed.name, changed.enabled, changed.version) == ("Hook", True, 2)
    with pytest.raises(PreconditionFailedError):
        await operator.change(webhook, enabled=False, if_version=1)
    with pytest.raises(NameTakenError):
        await operator.change(webhook, name="Other")
    with pytest.raises(NameTakenError):
        await operator.create(receiving.url)


@running
async def test_what_is_deleted_is_gone_with_its_deliveries_and_its_secret(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)
    await operator.test(webhook)

    await operator.delete(webhook)

    for question in (operator.get, operator.delete, operator.test, operator.deliveries):
        with pytest.raises(WebhookNotFoundError):
            await question(webhook)
    assert await superuser.fetchval("SELECT count(*) FROM delivery") == 0
    left = "SELECT count(*) FROM credentials.webhook_secret"
    assert await superuser.fetchval(left) == 0


@running
async def test_a_refused_webhook_leaves_no_secret(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    await operator.create(receiving.url)

    with pytest.raises(NameTakenError):
        await operator.create(receiving.url)

    kept = "SELECT count(*) FROM credentials.webhook_secret"
    assert await superuser.fetchval(kept) == 1


@running
async def test_for_a_webhook_that_is_refused_no_secret_is_kept_meanwhile(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    await operator.create(receiving.url)

    with pytest.raises(NameTakenError):
        await operator.create(receiving.url)

    ever_kept = (
        "SELECT count(*) FROM credentials.audit WHERE act = 'webhook_secret.kept'"
    )
    assert await superuser.fetchval(ever_kept) == 1


@running
async def test_another_organization_sees_and_changes_nothing(
    operator: Operator, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)
    stranger = Operator(operator.bus, operator.credentials)

    for question in (stranger.get, stranger.delete, stranger.test, stranger.deliveries):
        with pytest.raises(WebhookNotFoundError):
            await question(webhook)
    with pytest.raises(WebhookNotFoundError):
        await stranger.replay(webhook, failed_since=utc_now())
    assert await operator.get(webhook) == webhook


@running
async def test_neither_url_nor_secret_is_in_the_rows_of_metrics(
    operator: Operator, publisher: Publisher, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)
    await publisher.opened()
    await until_status(operator, webhook, DeliveryStatus.DELIVERED, 1)

    rows = await superuser.fetch("SELECT * FROM webhook, delivery, audit")

    written = str([dict(row) for row in rows])
    assert webhook.origin in written
    assert "token-in-the-path" not in written
    assert SECRET.removeprefix("whsec_") not in written
