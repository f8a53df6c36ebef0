"""`ag2trust alerts`: what somebody should look at."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import click

from ag2trust_client import Client, every
from ag2trust_client.models import (
    Alert,
    AlertRule,
    AlertRuleChange,
    AlertRuleName,
    AlertStatus,
    Silence,
)

from .calling import calling
from .formats import ago, moment, word
from .naming import Names, names_of
from .output import as_json, show, show_all
from .periods import HOURS
from .tables import Column

__all__ = ["alerts"]

_RULES = [
    Column[AlertRule]("rule", lambda it: it.name),
    Column[AlertRule]("watched", lambda it: word(it.enabled)),
    Column[AlertRule]("opens an alert", lambda it: it.description),
]


@click.group()
def alerts() -> None:
    """See what somebody should look at, and silence what is known."""


@alerts.command("list")
@click.option("--status", type=click.Choice(get_args(AlertStatus)), help="Only those.")
@click.option(
    "--rule", type=click.Choice(get_args(AlertRuleName)), help="Of this rule."
)
@as_json
@calling
async def list_alerts(
    client: Client,
    *,
    status: AlertStatus | None,
    rule: AlertRuleName | None,
    is_json: bool,
) -> None:
    """List the alerts, those opened last first."""
    found = [each async for each in every(client.list_alerts, status=status, rule=rule)]
    names = await names_of(client, "agents")
    show_all(found, _columns(names), is_json=is_json, if_none="There are no alerts.")


@alerts.command("show")
@click.argument("alert_id", type=click.UUID)
@as_json
@calling
async def show_alert(client: Client, *, alert_id: UUID, is_json: bool) -> None:
    """Show an alert with its evidence."""
    await _tell(client, await client.get_alert(alert_id), is_json=is_json)


@alerts.command("silence")
@click.argument("alert_id", type=click.UUID)
@click.option(
    "--hours",
    type=HOURS,
    default=24,
    show_default=True,
    help="For how long.",
)
@click.option("--end", is_flag=True, help="End the silence.")
@as_json
@calling
async def silence_alert(
    client: Client, *, alert_id: UUID, hours: float, end: bool, is_json: bool
) -> None:
    """Tell nobody of an alert for a while, nor of its return."""
    until = None if end else datetime.now(UTC) + timedelta(hours=hours)
    changed = await client.silence_alert(alert_id, Silence(until=until))
    await _tell(client, changed, is_json=is_json)


@alerts.command("rules")
@click.option(
    "--on", type=click.Choice(get_args(AlertRuleName)), help="Watch for this."
)
@click.option(
    "--off", type=click.Choice(get_args(AlertRuleName)), help="Watch for it no more."
)
@as_json
@calling
async def rules(
    client: Client,
    *,
    on: AlertRuleName | None,
    off: AlertRuleName | None,
    is_json: bool,
) -> None:
    """List what is watched for; or switch a rule on or off."""
    for name, enabled in ((on, True), (off, False)):
        if name:
            await client.update_alert_rule(AlertRuleChange(name=name, enabled=enabled))
    told = await client.list_alert_rules()
    show_all(told.data, _RULES, is_json=is_json, if_none="There are no rules.")


def _columns(names: Names) -> list[Column[Alert]]:
    return [
        Column("opened", lambda it: moment(it.opened_at)),
        Column("status", _status),
        Column("rule", lambda it: it.rule),
        Column("of", lambda it: names.of(it.subject.key)),
        Column("what", lambda it: it.message),
        Column("alert", lambda it: str(it.id)),
    ]


def _status(alert: Alert) -> str:
    return "silenced" if alert.silenced_until else alert.status


async def _tell(client: Client, alert: Alert, *, is_json: bool) -> None:
    names, evidence = await names_of(client, "agents"), alert.evidence
    pairs = [
        ("alert", str(alert.id)),
        ("what", alert.message),
        ("rule", alert.rule),
        ("of", f"{alert.subject.kind} {names.of(alert.subject.key)}"),
        ("status", alert.status),
        ("opened", moment(alert.opened_at)),
        ("last seen", ago(alert.last_seen_at)),
        ("resolved", moment(alert.resolved_at)),
        ("silenced until", moment(alert.silenced_until)),
        ("figure", f"{evidence.figure:g} {evidence.unit}"),
        ("threshold", f"{evidence.threshold:g} {evidence.unit}"),
        ("usual", word(evidence.baseline)),
        ("calls", evidence.calls),
    ]
    show(alert, pairs, is_json=is_json)
