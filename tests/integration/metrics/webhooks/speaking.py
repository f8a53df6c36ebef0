"""Those who make webhooks, and those who give them something to tell."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from ag2trust.waiting import until
from shared.bus import NatsBus
from shared.clock import utc_now
from shared.contracts.alerts import (
    ALERT_OPENED,
    ALERT_RESOLVED,
    Alert,
    AlertEvidence,
    AlertOpened,
    AlertResolved,
    AlertRuleName,
    AlertStatus,
    AlertSubject,
    AlertSubjectKind,
)
from shared.contracts.base import Actor
from shared.contracts.webhook_secrets import (
    WebhookSubmission,
    webhook_submission_binding,
)
from shared.contracts.webhooks import (
    CREATE_WEBHOOK,
    DELETE_WEBHOOK,
    GET_WEBHOOK,
    LIST_DELIVERIES,
    REPLAY_DELIVERIES,
    TEST_WEBHOOK,
    UPDATE_WEBHOOK,
    CreateWebhook,
    DeliveriesQuestion,
    Delivery,
    DeliveryStatus,
    EventName,
    ReplayDeliveries,
    UpdateWebhook,
    Webhook,
    WebhookPatch,
    WebhookQuestion,
)
from shared.identity import PublicIdentity
from shared.ids import new_id
from shared.sealing import seal
from shared.web_addresses import web_address

from .receivers import Receiver

__all__ = [
    "DUE_NOW",
    "SECRET",
    "Operator",
    "Publisher",
    "until_attempted",
    "until_status",
    "until_told",
]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DUE_NOW = "UPDATE delivery SET due_at = now() WHERE status = 'pending'"
OPERATOR = Actor(kind="api_key", id="key-1")


@dataclass(frozen=True, slots=True)
class Operator:
    """Someone of one organization, through the gateway."""

    bus: NatsBus
    credentials: PublicIdentity
    org_id: UUID = field(default_factory=new_id)
    actor: Actor = OPERATOR

    async def create(
        self,
        url: str,
        *,
        name: str = "Hook",
        events: Any = ("alert.opened",),
        webhook_id: UUID | None = None,
        secret: str = SECRET,
    ) -> Webhook:
        webhook_id = webhook_id or new_id()
        submission = WebhookSubmission(url=SecretStr(url), secret=SecretStr(secret))
        question = CreateWebhook(
            org_id=self.org_id,
            actor=self.actor,
            webhook_id=webhook_id,
            name=name,
            origin=web_address(url).origin,
            events=[EventName(each) for each in events],
            sealed=seal(
                submission.model_dump_json().encode(),
                to=self.credentials.sealing_key,
                info=webhook_submission_binding(self.org_id, webhook_id),
            ),
        )
        return await self.bus.ask(CREATE_WEBHOOK, question)

    async def get(self, webhook: Webhook) -> Webhook:
        return await self.bus.ask(GET_WEBHOOK, self._about(webhook))

    async def change(
        self, webhook: Webhook, *, if_version: int | None = None, **fields: Any
    ) -> Webhook:
        question = UpdateWebhook(
            **self._about(webhook).model_dump(),
            patch=WebhookPatch.model_validate(fields),
            if_version=if_version,
        )
        return await self.bus.ask(UPDATE_WEBHOOK, question)

    async def test(self, webhook: Webhook) -> Delivery:
        return await self.bus.ask(TEST_WEBHOOK, self._about(webhook))

    async def delete(self, webhook: Webhook) -> None:
        await self.bus.ask(DELETE_WEBHOOK, self._about(webhook))

    async def deliveries(
        self, webhook: Webhook, status: DeliveryStatus | None = None
    ) -> list[Delivery]:
        question = DeliveriesQuestion(
            **self._about(webhook).model_dump(), limit=200, status=status
        )
        return (await self.bus.ask(LIST_DELIVERIES, question)).data

    async def replay(self, webhook: Webhook, **which: Any) -> int:
        question = ReplayDeliveries(**self._about(webhook).model_dump(), **which)
        return (await self.bus.ask(REPLAY_DELIVERIES, question)).replayed

    def _about(self, webhook: Webhook) -> WebhookQuestion:
        return WebhookQuestion(
            org_id=self.org_id, actor=self.actor, webhook_id=webhook.id
        )


@dataclass(frozen=True, slots=True)
class Publisher:
    """Metrics, as it publishes alerts."""

    bus: NatsBus
    org_id: UUID

    async def opened(self, count: int = 1) -> set[str]:
        """Publish that alerts opened; return the ids of the events."""
        events = [
            AlertOpened(id=new_id(), org_id=self.org_id, alert=_alert())
            for _ in range(count)
        ]
        await self.bus.publish_all(ALERT_OPENED, events)
        return {str(each.id) for each in events}

    async def resolved(self) -> str:
        event = AlertResolved(id=new_id(), org_id=self.org_id, alert=_alert())
        await self.bus.publish(ALERT_RESOLVED, event)
        return str(event.id)


def _alert() -> Alert:
    now = utc_now()
    return Alert(
        id=new_id(),
        rule=AlertRuleName.ERROR_RATE,
        subject=AlertSubject(kind=AlertSubjectKind.AGENT, key="1"),
        status=AlertStatus.OPEN,
        message="Half of the calls fail.",
        evidence=AlertEvidence(
            figure=1,
            threshold=1,
            unit="calls",
            since=now,
            until=now,
            calls="/api/calls",
        ),
        opened_at=now,
        last_seen_at=now,
    )


async def until_told(receiving: Receiver, events: set[str]) -> None:
    await receiving.until(lambda: events <= receiving.events)


async def until_status(
    operator: Operator, webhook: Webhook, status: DeliveryStatus, count: int
) -> list[Delivery]:
    return await until(
        f"{count} {status}",
        lambda: operator.deliveries(webhook, status),
        lambda found: len(found) >= count,
    )


async def until_attempted(
    operator: Operator, webhook: Webhook, attempts: int
) -> Delivery:
    def attempted(deliveries: list[Delivery]) -> list[Delivery]:
        return [each for each in deliveries if len(each.attempts) >= attempts]

    found = await until(
        f"{attempts} attempts", lambda: operator.deliveries(webhook), attempted
    )
    return attempted(found)[0]
