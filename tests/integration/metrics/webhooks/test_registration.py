"""Webhooks that are made and deleted while something fails: both can be repeated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.integration.lock_waits import until_blocked
from tests.integration.metrics.conftest import Superuser

from metrics.app import serving
from metrics.settings import Settings
from shared.clock import utc_now
from shared.contracts.webhooks import Webhook
from shared.errors import (
    AppError,
    ConflictError,
    DatabaseUnavailableError,
    DeliveryNotFoundError,
    UnavailableError,
    WebhookNotFoundError,
)
from shared.ids import new_id

from .receivers import Receiver
from .rows import make_webhook
from .speaking import Operator

pytestmark = pytest.mark.integration

running = pytest.mark.usefixtures("keeper", "metrics")

WEBHOOK = new_id()
OTHER_SECRET = f"whsec_{'B' * 32}"


@running
async def test_a_creation_that_is_repeated_is_one_webhook_with_the_last_secret(
    operator: Operator, receiving: Receiver
) -> None:
    first = await operator.create(receiving.url, webhook_id=WEBHOOK)
    await operator.test(first)

    second = await operator.create(
        receiving.url, webhook_id=WEBHOOK, secret=OTHER_SECRET
    )
    await operator.test(second)

    assert (second.id, second.version) == (first.id, first.version)
    assert receiving.delivered[-1].is_signed_with(OTHER_SECRET)


@running
async def test_a_creation_that_is_repeated_takes_no_name(
    operator: Operator, receiving: Receiver
) -> None:
    first = await operator.create(receiving.url, webhook_id=WEBHOOK)
    await operator.change(first, name="Renamed")
    await operator.create(receiving.url, name=first.name)

    second = await operator.create(receiving.url, name=first.name, webhook_id=WEBHOOK)

    assert (second.id, second.name) == (first.id, "Renamed")


@running
async def test_a_creation_whose_end_nobody_knows_keeps_its_secret_and_is_repeated(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    async with _failing(superuser, "INSERT", "webhook", _LOSE_CONNECTION):
        with pytest.raises(DatabaseUnavailableError):
            await operator.create(receiving.url, webhook_id=WEBHOOK)
    kept = await _secrets(superuser)

    webhook = await operator.create(
        receiving.url, webhook_id=WEBHOOK, secret=OTHER_SECRET
    )
    await operator.test(webhook)

    assert kept == 1
    assert receiving.delivered[-1].is_signed_with(OTHER_SECRET)


@running
async def test_however_many_deliveries_there_are_few_are_deleted_at_once(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)
    await _add_deliveries(superuser, operator, webhook, count=10_001)

    async with _failing(superuser, "DELETE", "delivery", _REFUSE_MORE_THAN_A_PIECE):
        await operator.delete(webhook)

    assert await superuser.fetchval("SELECT count(*) FROM delivery") == 0
    assert await _secrets(superuser) == 0


@running
async def test_however_many_deliveries_there_are_few_are_replayed_at_once(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    began = utc_now()
    webhook = await operator.create(receiving.url)
    await operator.change(webhook, enabled=False)
    await _add_deliveries(superuser, operator, webhook, count=10_001)

    async with _failing(superuser, "UPDATE", "delivery", _REFUSE_MORE_THAN_A_PIECE):
        replayed = await operator.replay(webhook, failed_since=began)

    pending = "SELECT count(*) FROM delivery WHERE status = 'pending'"
    assert replayed == await superuser.fetchval(pending) == 10_001


@running
async def test_a_replay_goes_on_behind_a_piece_of_which_some_are_dropped_meanwhile(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    began = utc_now()
    webhook = await operator.create(receiving.url)
    await operator.change(webhook, enabled=False)
    await _add_deliveries(superuser, operator, webhook, count=10_001)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(
            "DELETE FROM delivery"
            " WHERE id = (SELECT id FROM delivery ORDER BY id LIMIT 1)"
        )
        replaying = group.create_task(operator.replay(webhook, failed_since=began))
        await until_blocked(superuser, "metrics")

    assert replaying.result() == 10_000


@running
async def test_a_delivery_that_is_not_the_webhooks_is_named_and_nothing_replayed(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook, other = [
        await operator.create(receiving.url, name=name) for name in ("One", "Other")
    ]
    for each in (webhook, other):
        await operator.change(each, enabled=False)
        await _add_deliveries(superuser, operator, each, count=1)
    own, foreign = [
        (await operator.deliveries(each))[0].id for each in (webhook, other)
    ]

    for missing in (foreign, new_id()):
        with pytest.raises(DeliveryNotFoundError, match=str(missing)):
            await operator.replay(webhook, delivery_ids=[own, missing])

    pending = "SELECT count(*) FROM delivery WHERE status = 'pending'"
    assert await superuser.fetchval(pending) == 0


@running
async def test_of_many_that_are_made_at_once_no_more_are_made_than_there_is_room_for(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    for _ in range(45):
        await make_webhook(superuser, operator.org_id)

    made = await asyncio.gather(
        *(operator.create(receiving.url, name=f"Hook {each}") for each in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Webhook) for each in made) == 5
    assert sum(isinstance(each, ConflictError) for each in made) == 5
    assert await _secrets(superuser) == 5


@running
async def test_a_webhook_that_could_not_be_deleted_has_its_secret_and_is_off(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)

    async with _failing(superuser, "DELETE", "webhook", _LOSE_CONNECTION):
        with pytest.raises(AppError):
            await operator.delete(webhook)
    left = await operator.get(webhook)
    kept = await _secrets(superuser)
    await operator.delete(webhook)

    assert (left.enabled, left.version, kept) == (False, 2, 1)
    assert await _secrets(superuser) == 0


@running
async def test_of_deletions_at_once_one_deletes_and_is_audited(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)
    await operator.change(webhook, enabled=False)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("SELECT FROM webhook FOR UPDATE")
        deletions = [
            group.create_task(_outcome(operator.delete(webhook))) for _ in range(2)
        ]
        await until_blocked(superuser, "metrics", connections=2)

    deleted = "SELECT count(*) FROM audit WHERE act = 'webhook.deleted'"
    assert await superuser.fetchval(deleted) == 1
    assert {type(each.result()) for each in deletions} == {
        type(None),
        WebhookNotFoundError,
    }


@running
async def test_a_webhook_that_is_deleted_while_it_is_tested_is_not_found(
    operator: Operator, receiving: Receiver, superuser: Superuser
) -> None:
    webhook = await operator.create(receiving.url)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("DELETE FROM webhook")
        testing = group.create_task(_outcome(operator.test(webhook)))
        await until_blocked(superuser, "metrics")

    assert type(testing.result()) is WebhookNotFoundError


async def test_a_secret_that_outlived_its_webhook_is_forgotten_when_asked_again(
    keeping: Callable[[], AbstractAsyncContextManager[None]],
    settings: Settings,
    operator: Operator,
    receiving: Receiver,
    superuser: Superuser,
) -> None:
    async with serving(settings):
        async with keeping():
            webhook = await operator.create(receiving.url)
        with pytest.raises(UnavailableError):
            await operator.delete(webhook)
        kept = await _secrets(superuser)

        async with keeping():
            with pytest.raises(WebhookNotFoundError):
                await operator.delete(webhook)

    assert kept == 1
    assert await _secrets(superuser) == 0


_LOSE_CONNECTION = "PERFORM pg_terminate_backend(pg_backend_pid());"
_REFUSE_MORE_THAN_A_PIECE = """
IF (SELECT count(*) FROM gone) > 10000 THEN
    RAISE EXCEPTION 'too many at once';
END IF;
"""


@asynccontextmanager
async def _failing(
    superuser: Superuser, act: str, table: str, how: str
) -> AsyncIterator[None]:
    """Do *how* behind every *act* on *table*; what was there is called `gone`."""
    gone = "" if act == "INSERT" else "REFERENCING OLD TABLE AS gone"
    await superuser.execute(
        f"""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN {how} RETURN NULL; END $$;
        CREATE TRIGGER failing AFTER {act} ON {table} {gone}
        FOR EACH STATEMENT EXECUTE FUNCTION fail();
        """
    )
    try:
        yield
    finally:
        await superuser.execute("DROP FUNCTION fail() CASCADE")


async def _outcome(asked: Awaitable[object]) -> object:
    try:
        return await asked
    except AppError as error:
        return error


async def _secrets(superuser: Superuser) -> int:
    kept: int = await superuser.fetchval(
        "SELECT count(*) FROM credentials.webhook_secret"
    )
    return kept


async def _add_deliveries(
    superuser: Superuser, operator: Operator, webhook: Webhook, *, count: int
) -> None:
    await superuser.execute(
        """
        INSERT INTO delivery (org_id, id, webhook_id, event_id, event, body, status)
        SELECT $1, gen_random_uuid(), $2, number::text, 'alert.opened', '{}', 'failed'
        FROM generate_series(1, $3::integer) number
        """,
        operator.org_id,
        webhook.id,
        count,
    )
