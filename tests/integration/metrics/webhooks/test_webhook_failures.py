"""Webhooks while something fails: nothing is lost, and nobody waits for another."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)

import pytest
from tests.integration.metrics.conftest import Superuser
from tests.integration.metrics.watching import until_answered

from ag2trust.child import Command, start
from ag2trust.ports import free_port
from ag2trust.testing import Stack
from ag2trust.waiting import until
from metrics.app import serving
from metrics.repositories.deliveries import Happened, PostgresDeliveries
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.clock import utc_now
from shared.contracts.alerts import ALERT_OPENED
from shared.contracts.base import Service
from shared.contracts.webhooks import WEBHOOKS_CONSUMER, DeliveryStatus
from shared.database import connect_database
from shared.errors import (
    UnavailableError,
)

from .receivers import HOST, Receiver, receiver
from .speaking import (
    DUE_NOW,
    SECRET,
    Operator,
    Publisher,
    until_attempted,
    until_status,
    until_told,
)

pytestmark = pytest.mark.integration

running = pytest.mark.usefixtures("keeper", "metrics")


@running
async def test_a_failure_is_tried_again_under_the_same_id_with_a_new_signature(
    operator: Operator,
    publisher: Publisher,
    receiving: Receiver,
    superuser: Superuser,
) -> None:
    receiving.status = 500
    webhook = await operator.create(receiving.url)
    await publisher.opened()
    failed = await until_attempted(operator, webhook, 1)

    receiving.status = 204
    await superuser.execute(DUE_NOW)
    [delivery] = await until_status(operator, webhook, DeliveryStatus.DELIVERED, 1)

    assert failed.status is DeliveryStatus.PENDING
    assert failed.next_attempt_at is not None
    assert [each.http_status for each in delivery.attempts] == [500, 204]
    assert receiving.ids == {str(delivery.id)}
    assert all(each.is_signed_with(SECRET) for each in receiving.delivered)


@running
async def test_what_has_failed_for_good_can_be_replayed(
    operator: Operator,
    publisher: Publisher,
    receiving: Receiver,
    superuser: Superuser,
) -> None:
    receiving.status = 500
    began = utc_now()
    webhook = await operator.create(receiving.url)
    await publisher.opened()
    await until_attempted(operator, webhook, 1)
    await superuser.execute("UPDATE delivery SET failures = 9, due_at = now()")
    [failed] = await until_status(operator, webhook, DeliveryStatus.FAILED, 1)

    receiving.status = 200
    none = await operator.replay(webhook, failed_since=utc_now())
    one = await operator.replay(webhook, failed_since=began)
    [delivered] = await until_status(operator, webhook, DeliveryStatus.DELIVERED, 1)
    again = await operator.replay(webhook, delivery_ids=[delivered.id])
    await until_attempted(operator, webhook, 4)

    assert failed.next_attempt_at is None
    assert (none, one, again) == (0, 1, 1)
    assert receiving.ids == {str(failed.id)}


@running
async def test_receivers_that_are_dead_or_hang_delay_no_other(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    async with receiver(is_open=False) as hanging:
        dead = f"http://{HOST}:{free_port()}/nobody"
        await operator.create(dead, name="Dead")
        await operator.create(hanging.url, name="Hanging")
        await operator.create(receiving.url)

        events = await publisher.opened(60)
        await until_told(receiving, events)

        assert 1 <= hanging.most_held <= 8


@running
async def test_receivers_that_hang_take_no_connections_from_others(
    settings: Settings, operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    async with receiver(is_open=False) as hanging:
        for number in range(14):
            await operator.create(hanging.url, name=f"Hanging {number}")
        async with connect_database(settings) as database:
            at_once = [_happened(operator, str(number)) for number in range(8)]
            await PostgresDeliveries(database).add(at_once)
        await hanging.until(lambda: hanging.held > 100)
        await operator.create(receiving.url)

        events = await publisher.opened()
        await until_told(receiving, events)

        assert receiving.events == events


@running
async def test_a_stream_that_forgot_who_reads_it_is_read_again(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    await operator.create(receiving.url)
    first = await publisher.opened()
    await until_told(receiving, first)

    await operator.bus._jetstream.delete_consumer("EVENTS", WEBHOOKS_CONSUMER)
    second = await publisher.opened()
    await until_told(receiving, second)

    assert len(receiving.delivered) == 2


@running
async def test_a_redirect_is_no_delivery_and_leads_nowhere(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    async with receiver() as elsewhere:
        receiving.status, receiving.location = 307, elsewhere.url
        webhook = await operator.create(receiving.url)

        await publisher.opened()
        delivery = await until_attempted(operator, webhook, 1)

        assert delivery.status is DeliveryStatus.PENDING
        assert delivery.attempts[0].http_status == 307
        assert elsewhere.delivered == []


@pytest.mark.usefixtures("keeper")
async def test_a_host_that_is_not_named_any_more_is_not_connected_to(
    stack: Stack,
    settings: Settings,
    operator: Operator,
    publisher: Publisher,
    receiving: Receiver,
) -> None:
    async with serving(settings):
        webhook = await operator.create(receiving.url)

    async with serving(stack.settings(Settings, Service.METRICS)):
        await publisher.opened()
        delivery = await until_attempted(operator, webhook, 1)

    assert "private network" in str(delivery.attempts[0].error)
    assert receiving.delivered == []


@pytest.mark.usefixtures("keeper")
async def test_a_stop_in_the_middle_loses_nothing(
    settings: Settings, operator: Operator, publisher: Publisher
) -> None:
    async with receiver(is_open=False) as receiving:
        async with serving(settings):
            webhook = await operator.create(receiving.url)
            events = await publisher.opened(20)
            await receiving.until(lambda: receiving.held > 0)
        receiving.open.set()

        async with serving(settings):
            await until_status(operator, webhook, DeliveryStatus.DELIVERED, 20)

    assert receiving.events == events
    assert len(receiving.ids) == 20


@pytest.mark.usefixtures("keeper")
async def test_a_kill_in_the_middle_loses_nothing(
    stack: Stack,
    settings: Settings,
    operator: Operator,
    publisher: Publisher,
    superuser: Superuser,
) -> None:
    """What a dead process had claimed is tried again when its minute is over."""
    async with receiver(is_open=False) as receiving:
        async with _process(stack, operator.bus):
            webhook = await operator.create(receiving.url)
            events = await publisher.opened(20)
            await receiving.until(lambda: receiving.held > 0)
        more = await publisher.opened(5)
        receiving.open.set()

        async with serving(settings):
            await until_status(operator, webhook, DeliveryStatus.DELIVERED, 17)
            assert await superuser.fetchval(
                "SELECT count(*) FROM delivery WHERE status = 'pending'"
            ), "the claim of the dead process had ended already"
            await superuser.execute(DUE_NOW)
            await until_status(operator, webhook, DeliveryStatus.DELIVERED, 25)

    assert receiving.events == events | more
    assert len(receiving.ids) == 25


async def test_while_the_credentials_service_is_away_deliveries_wait(
    keeping: Callable[[], AbstractAsyncContextManager[None]],
    settings: Settings,
    operator: Operator,
    publisher: Publisher,
    superuser: Superuser,
) -> None:
    async with receiver() as receiving:
        async with keeping(), serving(settings):
            webhook = await operator.create(receiving.url)
        async with serving(settings):
            events = await publisher.opened()
            [waiting] = await until_status(operator, webhook, DeliveryStatus.PENDING, 1)
            async with keeping():

                async def told() -> set[str]:
                    await superuser.execute(DUE_NOW)
                    return receiving.events

                await until(f"all of {events}", told, lambda told: events <= told)

    assert waiting.attempts == []


async def test_a_test_that_cannot_be_made_leaves_no_delivery(
    keeping: Callable[[], AbstractAsyncContextManager[None]],
    settings: Settings,
    operator: Operator,
    receiving: Receiver,
) -> None:
    async with keeping(), serving(settings):
        webhook = await operator.create(receiving.url)

    async with serving(settings):
        with pytest.raises(UnavailableError):
            await operator.test(webhook)
        assert await operator.deliveries(webhook) == []


@running
async def test_what_cannot_be_read_keeps_nothing_else_from_being_told(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    await operator.create(receiving.url)
    jetstream = publisher.bus._jetstream

    await jetstream.publish(ALERT_OPENED.subject(operator.org_id), b"not json")
    await jetstream.publish(ALERT_OPENED.subject("everybody"), b"{}")
    events = await publisher.opened()
    await until_told(receiving, events)

    assert receiving.events == events


@running
async def test_an_event_that_comes_again_is_queued_once(
    settings: Settings, operator: Operator, receiving: Receiver
) -> None:
    webhook = await operator.create(receiving.url)
    event = _happened(operator, "one")

    async with connect_database(settings) as database:
        await PostgresDeliveries(database).add([event, event])
        await PostgresDeliveries(database).add([event])

    assert len(await operator.deliveries(webhook)) == 1


@running
async def test_a_receiver_that_is_gone_is_switched_off_until_somebody_switches_it_on(
    operator: Operator, publisher: Publisher, receiving: Receiver
) -> None:
    receiving.status = 410
    webhook = await operator.create(receiving.url)
    await publisher.opened()
    await until_status(operator, webhook, DeliveryStatus.FAILED, 1)
    off = await operator.get(webhook)
    missed = await publisher.opened()

    receiving.status = 200
    on = await operator.change(webhook, enabled=True)
    events = await publisher.opened()
    await until_told(receiving, events)

    assert (off.enabled, on.enabled) == (False, True)
    assert "410" in str(off.disabled_reason)
    assert (off.version, on.version) == (2, 3)
    assert on.disabled_reason is None
    assert not missed & receiving.events


def _happened(operator: Operator, event_id: str) -> Happened:
    return Happened(
        operator.org_id, event_id, "alert.opened", utc_now(), '{"data":{"id":""}}'
    )


@asynccontextmanager
async def _process(stack: Stack, gateway: NatsBus) -> AsyncIterator[None]:
    """Run the service as a process, and kill it."""
    command = Command(
        name="metrics",
        arguments=(sys.executable, "-m", "metrics"),
        environment=stack.environment(
            Service.METRICS, AG2TRUST_METRICS_PRIVATE_WEBHOOK_HOSTS=f'["{HOST}"]'
        ),
        log=stack.folder / "metrics.log",
    )
    async with AsyncExitStack() as ending:
        child = await start(command)
        ending.push_async_callback(child.ended)
        ending.callback(os.kill, child.pid, signal.SIGKILL)
        await until_answered(gateway)
        yield
