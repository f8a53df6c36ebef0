"""What webhooks ask for is followed, whatever happens between asking and hearing."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import pytest
from tests.integration.metrics.conftest import Superuser

from metrics.repositories.deliveries import PostgresDeliveries
from metrics.repositories.webhooks import PostgresWebhooks
from metrics.webhooks.listening import Listener
from shared.clock import utc_now
from shared.contracts.base import Actor
from shared.contracts.webhooks import CreateWebhook, EventName
from shared.database import Database
from shared.errors import WebhookNotFoundError
from shared.event_feed import TakenEvent
from shared.ids import new_id

pytestmark = pytest.mark.integration

ORGANIZATION = new_id()
OPENED, RESOLVED = EventName.ALERT_OPENED, EventName.ALERT_RESOLVED
EVENT = TakenEvent(str(ORGANIZATION), "1", OPENED, utc_now(), b"{}", "receipt")


async def _nothing() -> None:
    pass


@dataclass
class Feed:
    """A stream that gives *left* events, one at a time, without a pause."""

    left: int = 0
    followed: list[set[str]] = field(default_factory=list)
    before_taking: Callable[[], Awaitable[None]] = _nothing
    before_following: Callable[[], Awaitable[None]] = _nothing

    async def follow(self, names: Collection[str]) -> None:
        await self.before_following()
        self.followed.append(set(names))

    async def take(self, *, patience: float) -> list[TakenEvent]:  # noqa: ARG002 - has no pause
        await self.before_taking()
        self.left -= 1
        return [EVENT] if self.left >= 0 else []

    async def acknowledge(self, events: Sequence[TakenEvent]) -> None:
        pass


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def listener(database: Database, webhooks: PostgresWebhooks, feed: Feed) -> Listener:
    return Listener(webhooks, PostgresDeliveries(database), feed, wakes=asyncio.Event())


async def test_while_events_never_end_a_new_webhook_is_heard_of(
    webhooks: PostgresWebhooks, listener: Listener, feed: Feed
) -> None:
    await webhooks.add(_asking_for(OPENED), now=utc_now())
    feed.left = 3

    async def make_another() -> None:
        if feed.left == 3:
            await webhooks.add(_asking_for(RESOLVED), now=utc_now())

    feed.before_taking = make_another
    await listener.listen()

    assert feed.followed == [{OPENED}, {OPENED, RESOLVED}]


async def test_what_is_asked_for_last_is_followed_last(
    webhooks: PostgresWebhooks, listener: Listener, feed: Feed
) -> None:
    await webhooks.add(_asking_for(OPENED), now=utc_now())

    async with asyncio.TaskGroup() as group:

        async def let_another_overtake() -> None:
            feed.before_following = _nothing
            await webhooks.add(_asking_for(RESOLVED), now=utc_now())
            group.create_task(listener.follow())
            await asyncio.sleep(0)  # it begins before what follows
            for _ in range(10):  # time enough to overtake, if it may
                await webhooks.wanted_events()

        feed.before_following = let_another_overtake
        await listener.follow()

    assert feed.followed == [{OPENED}, {OPENED, RESOLVED}]


async def test_what_another_process_asks_for_meanwhile_is_not_taken_back(
    database: Database, webhooks: PostgresWebhooks, listener: Listener, feed: Feed
) -> None:
    another = Listener(
        webhooks, PostgresDeliveries(database), feed, wakes=asyncio.Event()
    )
    await webhooks.add(_asking_for(OPENED), now=utc_now())

    async def let_another_overtake() -> None:
        feed.before_following = _nothing
        await webhooks.add(_asking_for(RESOLVED), now=utc_now())
        await another.follow()

    feed.before_following = let_another_overtake
    await listener.follow()

    assert feed.followed[-1] == {OPENED, RESOLVED}


async def test_that_there_is_a_webhook_is_known_without_counting_what_waits(
    webhooks: PostgresWebhooks, superuser: Superuser
) -> None:
    webhook = await webhooks.add(_asking_for(OPENED), now=utc_now())

    async with superuser.transaction():
        await superuser.execute("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE")
        await webhooks.require(ORGANIZATION, webhook.id)
        with pytest.raises(WebhookNotFoundError):
            await webhooks.require(ORGANIZATION, new_id())


def _asking_for(event: EventName) -> CreateWebhook:
    return CreateWebhook(
        org_id=ORGANIZATION,
        actor=Actor(kind="api_key", id="key-1"),
        webhook_id=new_id(),
        name=event,
        origin="https://hooks.example.com",
        events=[event],
        sealed=b"sealed",
    )
