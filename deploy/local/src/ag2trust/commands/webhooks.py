"""`ag2trust webhooks`: servers that are told of events, and whether they were."""

import sys
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import click
from pydantic import SecretStr

from ag2trust_client import Client, every
from ag2trust_client.models import (
    Delivery,
    DeliveryStatus,
    EventName,
    NewWebhook,
    NewWebhookView,
    Replay,
    Webhook,
    WebhookPatch,
)

from .calling import calling
from .formats import moment, number, word
from .naming import NotThereError, webhook_named
from .output import as_json, said, show, show_all
from .periods import HOURS
from .tables import Column

__all__ = ["webhooks"]


@click.group()
def webhooks() -> None:
    """Tell servers of what happens, and see whether they were told."""


@webhooks.command("list")
@as_json
@calling
async def list_webhooks(client: Client, *, is_json: bool) -> None:
    """List the webhooks."""
    found = [each async for each in every(client.list_webhooks)]
    show_all(
        found,
        _COLUMNS,
        is_json=is_json,
        if_none="There are no webhooks yet; `ag2trust webhooks add` makes one.",
    )


@webhooks.command("add")
@click.argument("name")
@click.option(
    "--event",
    "events",
    type=click.Choice(get_args(EventName)),
    multiple=True,
    default=("alert.opened", "alert.resolved"),
    show_default=True,
    help="Tell of this; may be given several times.",
)
@as_json
@calling
async def add_webhook(
    client: Client, *, name: str, events: tuple[EventName, ...], is_json: bool
) -> None:
    """Add a webhook called NAME; its secret is shown here and never again.

    Its URL may hold a token, so it is asked for, or read from standard input.
    """
    body = NewWebhook(name=name, url=_asked_for_url(), events=list(events))
    made = await client.create_webhook(body)
    show(made, _pairs(made), is_json=is_json)


@webhooks.command("test")
@click.argument("name")
@as_json
@calling
async def test_webhook(client: Client, *, name: str, is_json: bool) -> None:
    """Deliver a test event to the webhook NAME; exit with 1 if it was not taken."""
    webhook = await webhook_named(client, name)
    delivery = await client.test_webhook(webhook.id)
    pairs = [
        ("status", delivery.status),
        ("answer", _answer(delivery)),
        ("delivery", str(delivery.id)),
    ]
    show(delivery, pairs, is_json=is_json)
    if delivery.status != "delivered":
        raise click.exceptions.Exit(1)


@webhooks.command("deliveries")
@click.argument("name")
@click.option(
    "--status", type=click.Choice(get_args(DeliveryStatus)), help="Only those."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 200),
    default=50,
    show_default=True,
    help="The last so many.",
)
@as_json
@calling
async def list_deliveries(
    client: Client,
    *,
    name: str,
    status: DeliveryStatus | None,
    limit: int,
    is_json: bool,
) -> None:
    """List the deliveries to the webhook NAME, newest first."""
    webhook = await webhook_named(client, name)
    page = await client.list_deliveries(webhook.id, status=status, limit=limit)
    show_all(
        page.data, _DELIVERIES, is_json=is_json, if_none="There are no deliveries."
    )


@webhooks.command("replay")
@click.argument("name")
@click.argument("delivery_ids", metavar="[DELIVERY]...", type=click.UUID, nargs=-1)
@click.option(
    "--failed-hours",
    type=HOURS,
    help="All that failed of so many hours.",
)
@calling
async def replay(
    client: Client,
    *,
    name: str,
    delivery_ids: tuple[UUID, ...],
    failed_hours: float | None,
) -> None:
    """Deliver each DELIVERY to the webhook NAME again, under the same id."""
    if not delivery_ids and failed_hours is None:
        raise click.UsageError("Name deliveries, or say --failed-hours.")
    webhook = await webhook_named(client, name)
    hours = None if failed_hours is None else timedelta(hours=failed_hours)
    body = Replay(
        delivery_ids=list(delivery_ids),
        failed_since=None if hours is None else datetime.now(UTC) - hours,
    )
    replayed = await client.replay_deliveries(webhook.id, body)
    said(f"Under way again: {number(replayed.replayed)}.")
    named = len(set(delivery_ids))
    if (unknown := named - replayed.replayed) > 0:
        raise NotThereError(
            f"There is no such delivery to {webhook.name!r}: {unknown} of {named}."
        )


@webhooks.command("enable")
@click.argument("name")
@calling
async def enable_webhook(client: Client, *, name: str) -> None:
    """Switch the webhook NAME on; what waits for it is delivered."""
    webhook = await webhook_named(client, name)
    await client.update_webhook(webhook.id, WebhookPatch(enabled=True))
    said(f"{webhook.name} is told again of what happens.")


@webhooks.command("disable")
@click.argument("name")
@calling
async def disable_webhook(client: Client, *, name: str) -> None:
    """Switch the webhook NAME off; what waits for it goes on waiting."""
    webhook = await webhook_named(client, name)
    await client.update_webhook(webhook.id, WebhookPatch(enabled=False))
    said(f"{webhook.name} is told of nothing that happens from now on.")


@webhooks.command("delete")
@click.argument("name")
@calling
async def delete_webhook(client: Client, *, name: str) -> None:
    """Delete the webhook NAME with its secret, and all its deliveries."""
    webhook = await webhook_named(client, name)
    await client.delete_webhook(webhook.id)
    said(f"{webhook.name} is deleted.")


def _asked_for_url() -> SecretStr:
    """Ask for the URL unseen; without a terminal it is a line of standard input."""
    if sys.stdin.isatty():
        return SecretStr(click.prompt("URL", hide_input=True, err=True).strip())
    line = sys.stdin.readline().strip()
    if not line:
        raise click.UsageError("There is no URL: give it as a line of standard input.")
    return SecretStr(line)


def _enabled(webhook: Webhook) -> str:
    return webhook.disabled_reason or word(webhook.enabled)


def _pairs(webhook: NewWebhookView) -> list[tuple[str, str]]:
    return [
        ("name", webhook.name),
        ("leads to", webhook.origin),
        ("events", ", ".join(webhook.events)),
        ("webhook", str(webhook.id)),
        ("secret", word(webhook.secret)),
    ]


def _answer(delivery: Delivery) -> str:
    if not delivery.attempts:
        return ""
    last = delivery.attempts[-1]
    return str(last.http_status) if last.error is None else last.error


_COLUMNS = [
    Column[Webhook]("name", lambda it: it.name),
    Column[Webhook]("leads to", lambda it: it.origin),
    Column[Webhook]("enabled", _enabled),
    Column[Webhook]("events", lambda it: ", ".join(it.events)),
    Column[Webhook]("waiting", lambda it: number(it.waiting), right=True),
]
_DELIVERIES = [
    Column[Delivery]("happened", lambda it: moment(it.created_at)),
    Column[Delivery]("event", lambda it: it.event),
    Column[Delivery]("status", lambda it: it.status),
    Column[Delivery]("attempts", lambda it: number(len(it.attempts)), right=True),
    Column[Delivery]("last answer", _answer),
    Column[Delivery]("next attempt", lambda it: moment(it.next_attempt_at)),
    Column[Delivery]("delivery", lambda it: str(it.id)),
]
