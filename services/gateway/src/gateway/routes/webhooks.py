"""`/webhooks`: servers that are told of events, and whether they were."""

import secrets
from base64 import b64encode
from http import HTTPStatus
from uuid import UUID

from pydantic import Field, SecretStr

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery, invalid_body
from gateway.submissions import sealed_webhook
from shared.bus import Bus
from shared.contracts.base import Instant, Name, Page, Secret, ShownOnce
from shared.contracts.webhook_secrets import WebhookSubmission
from shared.contracts.webhooks import (
    CREATE_WEBHOOK,
    DELETE_WEBHOOK,
    GET_WEBHOOK,
    LIST_DELIVERIES,
    LIST_WEBHOOKS,
    REPLAY_DELIVERIES,
    TEST_WEBHOOK,
    UPDATE_WEBHOOK,
    CreateWebhook,
    DeliveriesQuestion,
    Delivery,
    DeliveryStatus,
    EventNames,
    ReplayDeliveries,
    Replayed,
    UpdateWebhook,
    Webhook,
    WebhookPatch,
    WebhookQuestion,
)
from shared.errors import (
    ConflictError,
    CredentialsFrozenError,
    DeliveryNotFoundError,
    LeaseRefusedError,
    MasterKeyUnavailableError,
    NameTakenError,
    PreconditionFailedError,
    WebhookNotFoundError,
    WebhookUrlForbiddenError,
)
from shared.identity import PublicIdentity
from shared.web_addresses import UrlInvalidError, web_address

__all__ = ["WebhookRoutes"]

_SECRET_BYTES = 32


class NewWebhook(Input):
    """*url* may hold a token: it is kept sealed, and only its origin is told again."""

    name: Name
    url: Secret = Field(min_length=8, max_length=2000)
    events: EventNames
    enabled: bool = True


class NewWebhookView(Webhook):
    """The one answer that holds the secret that deliveries are signed with."""

    secret: ShownOnce = None


class DeliveriesQuery(PageQuery):
    """Which deliveries are wanted; all, if nothing is named."""

    status: DeliveryStatus | None = None


class Replay(Input):
    """Which deliveries are made again: these, or those that failed since then."""

    delivery_ids: list[UUID] = Field(default_factory=list, max_length=200)
    failed_since: Instant | None = None


class WebhookRoutes:
    """*credentials* is whom URLs and secrets are sealed to."""

    def __init__(self, bus: Bus, *, credentials: PublicIdentity) -> None:
        self._bus = bus
        self._credentials = credentials

    @operation("GET /webhooks", needs=Permission.WEBHOOKS_READ)
    async def list_webhooks(self, asked: Asked, query: PageQuery) -> Page[Webhook]:
        """List webhooks, newest first."""
        return await self._bus.ask(LIST_WEBHOOKS, asked.page(query))

    @operation(
        "POST /webhooks",
        needs=Permission.WEBHOOKS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(
            ConflictError,
            MasterKeyUnavailableError,
            NameTakenError,
            WebhookUrlForbiddenError,
        ),
    )
    async def create_webhook(self, asked: Asked, body: NewWebhook) -> NewWebhookView:
        """Create a webhook, which is told of what happens from now on.

        This answer alone shows the secret that its deliveries are signed with, as
        Standard Webhooks describe. Another URL is another webhook.
        """
        secret = _new_secret()
        webhook_id = asked.new_id
        question = CreateWebhook(
            org_id=asked.org_id,
            actor=asked.actor,
            webhook_id=webhook_id,
            name=body.name,
            origin=_origin(body.url),
            events=body.events,
            enabled=body.enabled,
            sealed=sealed_webhook(
                self._credentials,
                WebhookSubmission(url=body.url, secret=SecretStr(secret)),
                org_id=asked.org_id,
                webhook_id=webhook_id,
            ),
        )
        webhook = await self._bus.ask(CREATE_WEBHOOK, question)
        return NewWebhookView(**webhook.model_dump(), secret=secret)

    @operation(
        "GET /webhooks/{id}",
        needs=Permission.WEBHOOKS_READ,
        missing=WebhookNotFoundError,
    )
    async def get_webhook(self, asked: Asked) -> Webhook:
        """Show a webhook, and how many deliveries wait for it."""
        return await self._bus.ask(GET_WEBHOOK, _question(asked))

    @operation(
        "PATCH /webhooks/{id}",
        needs=Permission.WEBHOOKS_WRITE,
        errors=(NameTakenError, PreconditionFailedError),
        missing=WebhookNotFoundError,
    )
    async def update_webhook(
        self, asked: Asked, body: WebhookPatch, if_version: int | None
    ) -> Webhook:
        """Rename a webhook, choose its events, or switch it on or off.

        While it is off it is told of nothing that happens; what waited before goes on
        waiting.
        """
        question = UpdateWebhook(
            org_id=asked.org_id,
            actor=asked.actor,
            webhook_id=asked.id,
            patch=body,
            if_version=if_version,
        )
        return await self._bus.ask(UPDATE_WEBHOOK, question)

    @operation(
        "DELETE /webhooks/{id}",
        needs=Permission.WEBHOOKS_WRITE,
        missing=WebhookNotFoundError,
    )
    async def delete_webhook(self, asked: Asked) -> None:
        """Delete a webhook with its secret, and all its deliveries."""
        await self._bus.ask(DELETE_WEBHOOK, _question(asked))

    @operation(
        "POST /webhooks/{id}/test",
        needs=Permission.WEBHOOKS_WRITE,
        errors=(CredentialsFrozenError, LeaseRefusedError, MasterKeyUnavailableError),
        missing=WebhookNotFoundError,
    )
    async def test_webhook(self, asked: Asked) -> Delivery:
        """Deliver a `webhook.test` event, once, and tell what came of it."""
        return await self._bus.ask(TEST_WEBHOOK, _question(asked))

    @operation(
        "GET /webhooks/{id}/deliveries",
        needs=Permission.WEBHOOKS_READ,
        missing=WebhookNotFoundError,
    )
    async def list_deliveries(
        self, asked: Asked, query: DeliveriesQuery
    ) -> Page[Delivery]:
        """List the deliveries of 30 days with their attempts, newest first."""
        question = DeliveriesQuestion(
            **asked.page(query).model_dump(),
            webhook_id=asked.id,
            status=query.status,
        )
        return await self._bus.ask(LIST_DELIVERIES, question)

    @operation(
        "POST /webhooks/{id}/replay",
        needs=Permission.WEBHOOKS_WRITE,
        errors=(DeliveryNotFoundError,),
        missing=WebhookNotFoundError,
    )
    async def replay_deliveries(self, asked: Asked, body: Replay) -> Replayed:
        """Deliver again, under the same `webhook-id`, so that repeats can be told."""
        if not body.delivery_ids and body.failed_since is None:
            raise invalid_body({"delivery_ids": "must name deliveries to replay"})
        question = ReplayDeliveries(
            **_question(asked).model_dump(),
            delivery_ids=body.delivery_ids,
            failed_since=body.failed_since,
        )
        return await self._bus.ask(REPLAY_DELIVERIES, question)


def _question(asked: Asked) -> WebhookQuestion:
    return WebhookQuestion(org_id=asked.org_id, actor=asked.actor, webhook_id=asked.id)


def _new_secret() -> str:
    """Make a secret as Standard Webhooks write it."""
    return f"whsec_{b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _origin(url: SecretStr) -> str:
    try:
        return web_address(url.get_secret_value()).origin
    except UrlInvalidError as error:
        raise invalid_body({"url": f"The URL {error}"}) from None
