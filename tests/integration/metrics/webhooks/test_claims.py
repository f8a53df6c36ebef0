"""Who may try which delivery, and for whom it is noted; in a real database."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr
from tests.integration.lock_waits import until_blocked
from tests.integration.metrics.conftest import Superuser

from metrics.repositories.deliveries import (
    Due,
    Outcome,
    PostgresDeliveries,
)
from metrics.webhooks.courier import Courier
from metrics.webhooks.delivering import CLAIMED_FOR, Deliverer
from metrics.webhooks.leased_secrets import LeasedSecrets
from shared.clock import utc_now
from shared.contracts.base import Actor
from shared.contracts.webhook_secrets import LeasedWebhook
from shared.contracts.webhooks import (
    DeliveryAttempt,
    DeliveryStatus,
    ReplayDeliveries,
)
from shared.database import Database
from shared.errors import AppError, CredentialsFrozenError, LeaseRefusedError
from shared.ids import new_id

from .rows import make_webhook, queue
from .speaking import SECRET

pytestmark = pytest.mark.integration

_LATER = timedelta(minutes=1)


async def test_organizations_take_turns(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    crowd, other = new_id(), new_id()
    hooks = [await make_webhook(superuser, crowd) for _ in range(8)]
    await queue(deliveries, crowd, 4)
    await make_webhook(superuser, other)
    await queue(deliveries, other, 1)

    due = await _claimed(deliveries, busy=hooks[:6], limit=2)

    assert {each.org_id for each in due} == {crowd, other}


async def test_an_organization_without_others_leaves_room_for_them(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    org_id = new_id()
    for _ in range(8):
        await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 2)

    first = await _claimed(deliveries, webhooks=5)
    busy = [each.webhook_id for each in first]
    more = await _claimed(deliveries, busy=busy, webhooks=5)
    rest = await _claimed(deliveries, busy=busy[:2], webhooks=5)

    assert (len(set(busy)), more, len(rest)) == (5, [], 3)
    assert not {each.webhook_id for each in rest} & {*busy[:2]}


async def test_what_came_of_an_attempt_is_kept_while_the_claim_holds(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    [due] = await _one_claimed(deliveries, superuser)

    noted = await deliveries.note(due, _failure())
    again = await deliveries.note(due, _failure())

    assert noted
    assert len(noted.attempts) == 1
    assert again is None
    assert await superuser.fetchval("SELECT failures FROM webhook") == 1


async def test_what_was_replayed_meanwhile_is_tried_again(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    [due] = await _one_claimed(deliveries, superuser)
    question = ReplayDeliveries(
        org_id=due.org_id,
        actor=Actor(kind="api_key", id="key-1"),
        webhook_id=due.webhook_id,
        delivery_ids=[due.id],
    )
    await deliveries.replay(question, now=utc_now())

    noted = await deliveries.note(due, Outcome(_attempt(), DeliveryStatus.DELIVERED))

    assert noted is None
    assert [each.id for each in await _claimed(deliveries)] == [due.id]


async def test_what_is_replayed_and_handed_back_is_taken_in_one_order(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    org_id = new_id()
    webhook_id = await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 3)
    claimed = [each for _ in range(3) for each in await _claimed(deliveries)]
    first, middle, last = sorted(claimed, key=lambda due: due.id)
    question = ReplayDeliveries(
        org_id=org_id,
        actor=Actor(kind="api_key", id="key-1"),
        webhook_id=webhook_id,
        delivery_ids=[first.id, middle.id, last.id],
    )

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(
            "SELECT FROM delivery WHERE id = $1 FOR UPDATE", middle.id
        )
        batch = [last, middle, first]
        group.create_task(deliveries.hand_back(batch, due_at=utc_now()))
        await until_blocked(superuser, "metrics_sweep")
        replaying = group.create_task(deliveries.replay(question, now=utc_now()))
        await until_blocked(superuser, "metrics")

    assert replaying.result() == 3


async def test_a_webhook_is_deleted_while_an_attempt_of_its_is_noted(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    [due] = await _one_claimed(deliveries, superuser)
    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("SELECT FROM webhook FOR UPDATE")
        noting = group.create_task(deliveries.note(due, _failure()))
        await until_blocked(superuser, "metrics")
        await superuser.execute("DELETE FROM webhook")

    assert noting.result() is None


async def test_a_webhook_is_deleted_while_events_are_queued(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    org_id = new_id()
    gone, stays = [await make_webhook(superuser, org_id) for _ in range(2)]
    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("DELETE FROM webhook WHERE id = $1", gone)
        group.create_task(queue(deliveries, org_id, 1))
        await until_blocked(superuser, "metrics_sweep")

    [due] = await _claimed(deliveries)
    assert due.webhook_id == stays


@pytest.mark.parametrize(
    "refusal", [CredentialsFrozenError("Frozen."), LeaseRefusedError("Refused.")]
)
async def test_a_webhook_whose_secret_is_refused_asks_for_it_again_later(
    deliveries: PostgresDeliveries, superuser: Superuser, refusal: AppError
) -> None:
    org_id = new_id()
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 20)
    clock, secrets = _Clock(), _Secrets(refusal)
    deliverer = Deliverer(deliveries, secrets, _Courier(), now=clock)

    async with deliverer.working():
        await _look(deliverer)
        await deliverer.look()
        clock.now += timedelta(seconds=29)
        await deliverer.look()
        asked_at_first = secrets.asked
        clock.now += timedelta(seconds=2)
        await _look(deliverer)

    assert (asked_at_first, secrets.asked) == (1, 2)


async def test_what_cannot_be_handed_back_ends_nothing_else(
    database: Database, superuser: Superuser
) -> None:
    org_id, deliveries = new_id(), _Forgetful(database)
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 1)
    secrets, clock = _Secrets(CredentialsFrozenError("Frozen.")), _Clock()
    deliverer = Deliverer(deliveries, secrets, _Courier(), now=clock)

    async with deliverer.working():
        await _look(deliverer)
        clock.now += 2 * CLAIMED_FOR
        await _look(deliverer)

    assert secrets.asked == 2


async def test_a_delivery_that_crashes_has_failed(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> None:
    org_id = new_id()
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 2)
    deliverer = Deliverer(deliveries, _Secrets(), _Courier(), now=_Clock())

    async with deliverer.working():
        await _look(deliverer)

    failures = await superuser.fetch("SELECT failures FROM delivery")
    assert [row["failures"] for row in failures] == [1, 1]


@dataclass
class _Clock:
    now: datetime = field(default_factory=lambda: utc_now() + timedelta(seconds=1))

    def __call__(self) -> datetime:
        return self.now


class _Secrets(LeasedSecrets):
    """Leases any webhook's secret, or refuses to."""

    def __init__(self, refusal: AppError | None = None) -> None:
        self._refusal = refusal
        self.asked = 0

    async def of(self, org_id: UUID, webhook_id: UUID) -> LeasedWebhook:  # noqa: ARG002
        self.asked += 1
        if self._refusal:
            raise self._refusal
        return LeasedWebhook(
            webhook_id=webhook_id,
            url=SecretStr("https://example.com/"),
            secret=SecretStr(SECRET),
        )


class _Courier(Courier):
    """Breaks down over whatever it is given."""

    def __init__(self) -> None:
        pass

    async def carry(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> DeliveryAttempt:
        raise RuntimeError(url, headers, body)


class _Forgetful(PostgresDeliveries):
    """Breaks down over what it is to take back."""

    async def hand_back(self, batch: Sequence[Due], *, due_at: datetime) -> None:
        raise RuntimeError(batch, due_at)


async def _look(deliverer: Deliverer) -> None:
    """Begin what is due, and wait for it to end."""
    deliverer.woken.clear()
    await deliverer.look()
    async with asyncio.timeout(60):
        await deliverer.woken.wait()


async def _claimed(
    deliveries: PostgresDeliveries,
    *,
    busy: list[UUID] | None = None,
    webhooks: int = 16,
    limit: int = 100,
) -> list[Due]:
    now = utc_now() + timedelta(seconds=1)
    return await deliveries.claim(
        now=now,
        until=now + CLAIMED_FOR,
        busy=busy or [],
        waiting=[],
        each=1,
        webhooks=webhooks,
        limit=limit,
    )


async def _one_claimed(
    deliveries: PostgresDeliveries, superuser: Superuser
) -> list[Due]:
    org_id = new_id()
    await make_webhook(superuser, org_id)
    await queue(deliveries, org_id, 1)
    return await _claimed(deliveries)


def _attempt() -> DeliveryAttempt:
    return DeliveryAttempt(at=utc_now(), duration_ms=1)


def _failure() -> Outcome:
    return Outcome(_attempt(), DeliveryStatus.PENDING, 1, due_at=utc_now() + _LATER)
