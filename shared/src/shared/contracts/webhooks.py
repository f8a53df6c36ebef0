"""Webhooks: events of an organization, told to servers of its own."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from .base import (
    Bytes,
    Empty,
    Endpoint,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Service,
)

__all__ = [
    "CREATE_WEBHOOK",
    "DELETE_WEBHOOK",
    "GET_WEBHOOK",
    "LIST_DELIVERIES",
    "LIST_WEBHOOKS",
    "REPLAY_DELIVERIES",
    "TEST_WEBHOOK",
    "UPDATE_WEBHOOK",
    "WEBHOOKS_CONSUMER",
    "CreateWebhook",
    "DeliveriesQuestion",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryStatus",
    "EventName",
    "EventNames",
    "ReplayDeliveries",
    "Replayed",
    "UpdateWebhook",
    "Webhook",
    "WebhookPatch",
    "WebhookQuestion",
]


class EventName(StrEnum):
    """The public events, by noun and past participle."""

    AGENT_TYPE_BUDGET_REACHED = "budget.reached"
    ALERT_OPENED = "alert.opened"
    ALERT_RESOLVED = "alert.resolved"
    CALL_FINISHED = "call.finished"
    JOB_ADVANCED = "job.advanced"
    LIMIT_REACHED = "limit.reached"
    MESSAGE_FINISHED = "message.finished"
    PROVIDER_CREDENTIAL_EXPIRED = "provider.credential_expired"
    PROVIDER_CREDENTIAL_EXPIRING = "provider.credential_expiring"
    TOOL_CALL_FINISHED = "tool_call.finished"


EventNames = Annotated[
    list[EventName],
    Field(min_length=1, max_length=50),
    AfterValidator(lambda names: sorted(set(names))),
]


class Webhook(Message):
    """A server that is told of *events*; of its URL no more than the *origin* is told.

    *disabled_reason* says why it was switched off, if nobody did it by hand. *waiting*
    deliveries are yet to be made.
    """

    id: UUID
    name: str
    origin: str
    events: list[EventName]
    enabled: bool
    disabled_reason: str | None = None
    waiting: int = 0
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CreateWebhook(Question):
    """*sealed* is a `WebhookSubmission` for the credentials service alone.

    *origin* is that of the URL in it.
    """

    webhook_id: UUID
    name: Name
    origin: str = Field(max_length=300)
    events: EventNames
    enabled: bool = True
    sealed: Bytes


class WebhookPatch(Patch):
    """Changes to a webhook; another URL or secret is another webhook."""

    name: Name | None = None
    events: EventNames | None = None
    enabled: bool | None = None


class WebhookQuestion(Question):
    webhook_id: UUID


class UpdateWebhook(WebhookQuestion):
    """*if_version* refuses the change (412) when the row has moved on."""

    patch: WebhookPatch
    if_version: int | None = None


class DeliveryStatus(StrEnum):
    """`pending` until the receiver answers 2xx, or it is tried no more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryAttempt(Message):
    """What came of one request: a status, or the reason why there is none."""

    at: AwareDatetime
    http_status: int | None = None
    error: str | None = None
    duration_ms: int


class Delivery(Message):
    """One event for one webhook; *id* is its `webhook-id`, the same in every attempt.

    *event* is an event's name, or `webhook.test`. *attempts* are the last ten.
    """

    id: UUID
    webhook_id: UUID
    event_id: str
    event: str
    status: DeliveryStatus
    attempts: list[DeliveryAttempt]
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None = None


class DeliveriesQuestion(PageQuestion):
    """What is kept of a webhook's deliveries, the newest first."""

    webhook_id: UUID
    status: DeliveryStatus | None = None


class ReplayDeliveries(WebhookQuestion):
    """Deliver again: these, and those since *failed_since* that have failed."""

    delivery_ids: list[UUID] = Field(default_factory=list, max_length=200)
    failed_since: AwareDatetime | None = None


class Replayed(Message):
    """How many deliveries are under way again."""

    replayed: int


WEBHOOKS_CONSUMER = "webhooks"
"""The one consumer of the event stream that metrics may make, and take from."""

_GATEWAY = frozenset({Service.GATEWAY})
_AN_ATTEMPT = timedelta(seconds=30)
_TWO_SERVICES = timedelta(seconds=10)

LIST_WEBHOOKS = Endpoint(
    "metrics.v1.list_webhooks", PageQuestion, Page[Webhook], askers=_GATEWAY
)
GET_WEBHOOK = Endpoint(
    "metrics.v1.get_webhook", WebhookQuestion, Webhook, askers=_GATEWAY
)
CREATE_WEBHOOK = Endpoint(
    "metrics.v1.create_webhook",
    CreateWebhook,
    Webhook,
    askers=_GATEWAY,
    deadline=_TWO_SERVICES,
)
UPDATE_WEBHOOK = Endpoint(
    "metrics.v1.update_webhook", UpdateWebhook, Webhook, askers=_GATEWAY
)
DELETE_WEBHOOK = Endpoint(
    "metrics.v1.delete_webhook",
    WebhookQuestion,
    Empty,
    askers=_GATEWAY,
    deadline=_TWO_SERVICES,
)
TEST_WEBHOOK = Endpoint(
    "metrics.v1.test_webhook",
    WebhookQuestion,
    Delivery,
    askers=_GATEWAY,
    deadline=_AN_ATTEMPT,
)
LIST_DELIVERIES = Endpoint(
    "metrics.v1.list_deliveries", DeliveriesQuestion, Page[Delivery], askers=_GATEWAY
)
REPLAY_DELIVERIES = Endpoint(
    "metrics.v1.replay_deliveries", ReplayDeliveries, Replayed, askers=_GATEWAY
)
