"""`/alerts` and `/alert-rules`: what somebody should look at."""

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery
from shared.bus import Bus
from shared.contracts.alerts import (
    GET_ALERT,
    LIST_ALERT_RULES,
    LIST_ALERTS,
    SILENCE_ALERT,
    UPDATE_ALERT_RULE,
    Alert,
    AlertQuestion,
    AlertRule,
    AlertRuleName,
    AlertRules,
    AlertRulesQuestion,
    AlertsQuestion,
    AlertStatus,
    SilenceAlert,
    UpdateAlertRule,
)
from shared.contracts.base import Instant, Page
from shared.errors import AlertNotFoundError

__all__ = ["AlertRoutes"]


class AlertsQuery(PageQuery):
    """Which alerts are wanted; all, if nothing is named."""

    status: AlertStatus | None = None
    rule: AlertRuleName | None = None


class Silence(Input):
    """How long nobody is told of the alert; null ends a silence."""

    until: Instant | None


class AlertRuleChange(Input):
    """Which rule, and whether it is watched for."""

    name: AlertRuleName
    enabled: bool


class AlertRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /alerts", needs=Permission.ALERTS_READ)
    async def list_alerts(self, asked: Asked, query: AlertsQuery) -> Page[Alert]:
        """List alerts, those opened last first."""
        question = AlertsQuestion(
            **asked.page(query).model_dump(), status=query.status, rule=query.rule
        )
        return await self._bus.ask(LIST_ALERTS, question)

    @operation(
        "GET /alerts/{id}", needs=Permission.ALERTS_READ, missing=AlertNotFoundError
    )
    async def get_alert(self, asked: Asked) -> Alert:
        """Show an alert with its evidence."""
        question = AlertQuestion(
            org_id=asked.org_id, actor=asked.actor, alert_id=asked.id
        )
        return await self._bus.ask(GET_ALERT, question)

    @operation(
        "POST /alerts/{id}/silence",
        needs=Permission.ALERTS_WRITE,
        missing=AlertNotFoundError,
    )
    async def silence_alert(self, asked: Asked, body: Silence) -> Alert:
        """Tell nobody of an alert for a while, nor of its return."""
        question = SilenceAlert(
            org_id=asked.org_id,
            actor=asked.actor,
            alert_id=asked.id,
            until=body.until,
        )
        return await self._bus.ask(SILENCE_ALERT, question)

    @operation("GET /alert-rules", needs=Permission.ALERTS_READ)
    async def list_alert_rules(self, asked: Asked) -> AlertRules:
        """List the rules, when each opens an alert, and whether it is on."""
        question = AlertRulesQuestion(org_id=asked.org_id, actor=asked.actor)
        return await self._bus.ask(LIST_ALERT_RULES, question)

    @operation("PATCH /alert-rules", needs=Permission.ALERTS_WRITE)
    async def update_alert_rule(self, asked: Asked, body: AlertRuleChange) -> AlertRule:
        """Switch a rule on or off."""
        question = UpdateAlertRule(
            org_id=asked.org_id, actor=asked.actor, name=body.name, enabled=body.enabled
        )
        return await self._bus.ask(UPDATE_ALERT_RULE, question)
