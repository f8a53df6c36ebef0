"""The use cases of webhooks as people see them: made, changed, tested, replayed."""

import structlog

from metrics.repositories.deliveries import PostgresDeliveries
from metrics.repositories.webhooks import PostgresWebhooks
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.base import Empty, Page, PageQuestion
from shared.contracts.webhook_secrets import (
    FORGET_WEBHOOK_SECRET,
    KEEP_WEBHOOK_SECRET,
    ForgetWebhookSecret,
    KeepWebhookSecret,
)
from shared.contracts.webhooks import (
    CreateWebhook,
    DeliveriesQuestion,
    Delivery,
    ReplayDeliveries,
    Replayed,
    UpdateWebhook,
    Webhook,
    WebhookQuestion,
)
from shared.errors import ConflictError, UnavailableError, WebhookNotFoundError
from shared.pages import before, page_of

from .bodies import event_of_a_test
from .delivering import CLAIMED_FOR, Deliverer
from .destinations import Destinations
from .leased_secrets import LeasedSecrets
from .listening import Listener
from .outcomes import outcome_of_test

__all__ = ["Webhooks"]

log = structlog.get_logger(__name__)


class Webhooks:
    def __init__(
        self,
        webhooks: PostgresWebhooks,
        deliveries: PostgresDeliveries,
        *,
        bus: Bus,
        destinations: Destinations,
        secrets: LeasedSecrets,
        listener: Listener,
        deliverer: Deliverer,
        now: Clock,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._bus = bus
        self._destinations = destinations
        self._secrets = secrets
        self._listener = listener
        self._deliverer = deliverer
        self._now = now

    async def list_webhooks(self, question: PageQuestion) -> Page[Webhook]:
        """List webhooks, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._webhooks.newest(
            question.org_id, below=before(question.cursor), limit=question.limit + 1
        )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def get_webhook(self, question: WebhookQuestion) -> Webhook:
        """Find one. Raises `WebhookNotFoundError`."""
        return await self._webhooks.one(question.org_id, question.webhook_id)

    async def create_webhook(self, question: CreateWebhook) -> Webhook:
        """Make a webhook, which is told of what happens from then on.

        Repeated, it is the same webhook with the secret of the last time: whoever
        repeats was told of none before. The secret stays while nobody knows whether
        the webhook was made.

        Raises `WebhookUrlForbiddenError`, `NameTakenError`, `ConflictError` for one too
        many, and what keeping its secret does.
        """
        self._destinations.require_allowed(question.origin)
        await self._webhooks.require_place(question)
        kept = KeepWebhookSecret(
            org_id=question.org_id,
            actor=question.actor,
            webhook_id=question.webhook_id,
            origin=question.origin,
            sealed=question.sealed,
        )
        await self._bus.ask(KEEP_WEBHOOK_SECRET, kept)
        self._secrets.forget(question.webhook_id)
        try:
            webhook = await self._webhooks.add(question, now=self._now())
        except ConflictError:
            await self._forget_secret(kept)
            raise
        await self._follow()
        return webhook

    async def update_webhook(self, question: UpdateWebhook) -> Webhook:
        """Change a webhook; what waits for one that is enabled again is delivered.

        Raises `WebhookNotFoundError`, `NameTakenError` and `PreconditionFailedError`.
        """
        webhook = await self._webhooks.change(question, now=self._now())
        await self._follow()
        self._deliverer.woken.set()
        return webhook

    async def delete_webhook(self, question: WebhookQuestion) -> Empty:
        """Forget a webhook, its secret last. Raises `WebhookNotFoundError`.

        That of a webhook that is gone is forgotten too: somebody may have been stopped
        in between.
        """
        try:
            await self._webhooks.remove(question)
        except WebhookNotFoundError:
            await self._forget_secret(question)
            raise
        await self._forget_secret(question)
        return Empty()

    async def test_webhook(self, question: WebhookQuestion) -> Delivery:
        """Deliver a test event, once, and tell what came of it.

        Raises `WebhookNotFoundError`, and what the lease of its secret does.
        """
        await self._webhooks.require(question.org_id, question.webhook_id)
        await self._secrets.of(question.org_id, question.webhook_id)
        now = self._now()
        due = await self._deliveries.add_test(
            event_of_a_test(question.org_id, at=now),
            question.webhook_id,
            until=now + CLAIMED_FOR,
        )
        attempt = await self._deliverer.attempt(due)
        delivery = await self._deliveries.note(due, outcome_of_test(attempt))
        if delivery is None:
            raise WebhookNotFoundError(f"There is no webhook {question.webhook_id}.")
        return delivery

    async def list_deliveries(self, question: DeliveriesQuestion) -> Page[Delivery]:
        """List deliveries, newest first.

        Raises `WebhookNotFoundError`, and `InvalidError` for a foreign cursor.
        """
        await self._webhooks.require(question.org_id, question.webhook_id)
        found = await self._deliveries.newest(
            question, below=before(question.cursor), limit=question.limit + 1
        )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def replay(self, question: ReplayDeliveries) -> Replayed:
        """Deliver again, under the same ids.

        Raises `WebhookNotFoundError` and `DeliveryNotFoundError`.
        """
        await self._webhooks.require(question.org_id, question.webhook_id)
        replayed = await self._deliveries.replay(question, now=self._now())
        self._deliverer.woken.set()
        return Replayed(replayed=replayed)

    async def forget_leases(self) -> None:
        """Forget the secrets whose leases have ended."""
        self._secrets.forget_ended()

    async def _forget_secret(
        self, question: WebhookQuestion | KeepWebhookSecret
    ) -> None:
        await self._bus.ask(
            FORGET_WEBHOOK_SECRET,
            ForgetWebhookSecret(
                org_id=question.org_id,
                actor=question.actor,
                webhook_id=question.webhook_id,
            ),
        )
        self._secrets.forget(question.webhook_id)

    async def _follow(self) -> None:
        """Hear what is asked for now; without a stream, as soon as there is one."""
        try:
            await self._listener.follow()
        except UnavailableError as error:
            log.warning("webhooks.unheard", reason=error.message)
