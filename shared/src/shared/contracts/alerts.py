"""Alerts: conditions that somebody should look at, each told once."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from .base import (
    Endpoint,
    Event,
    Message,
    Page,
    PageQuestion,
    Question,
    Service,
    Topic,
)

__all__ = [
    "ALERT_OPENED",
    "ALERT_RESOLVED",
    "GET_ALERT",
    "LIST_ALERTS",
    "LIST_ALERT_RULES",
    "SILENCE_ALERT",
    "UPDATE_ALERT_RULE",
    "Alert",
    "AlertEvidence",
    "AlertOpened",
    "AlertQuestion",
    "AlertResolved",
    "AlertRule",
    "AlertRuleName",
    "AlertRules",
    "AlertRulesQuestion",
    "AlertStatus",
    "AlertSubject",
    "AlertSubjectKind",
    "AlertsQuestion",
    "SilenceAlert",
    "UpdateAlertRule",
]


class AlertRuleName(StrEnum):
    """What is watched for. None of them needs tuning; each can be switched off."""

    TOKEN_SPIKE = "token_spike"  # noqa: S105 - no secret
    ERROR_RATE = "error_rate"
    SLOW_RESPONSES = "slow_responses"
    UNPRICED_MODEL = "unpriced_model"
    BUDGET_SPENT = "budget_spent"
    CREDENTIAL_EXPIRY = "credential_expiry"
    AGENT_IN_ERROR = "agent_in_error"


class AlertStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class AlertSubjectKind(StrEnum):
    AGENT = "agent"
    MODEL = "model"
    BUDGET = "budget"
    PROVIDER = "provider"


class AlertSubject(Message):
    """What the alert is about; *key* is an id, or the name of a model."""

    kind: AlertSubjectKind
    key: str


class AlertEvidence(Message):
    """What was seen last: *figure* from *since* to *until*, both in *unit*.

    *threshold* is what it had to reach, *baseline* what is usual of the subject, None
    without a history. *calls* is the path under which the gateway lists the calls.
    """

    figure: float
    threshold: float
    baseline: float | None = None
    unit: str
    since: AwareDatetime
    until: AwareDatetime
    calls: str


class Alert(Message):
    """One condition, from when it was seen first until it was seen no more.

    *silenced_until*: until then nobody is told of it, nor of its return.
    """

    id: UUID
    rule: AlertRuleName
    subject: AlertSubject
    status: AlertStatus
    message: str
    evidence: AlertEvidence
    opened_at: AwareDatetime
    last_seen_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    silenced_until: AwareDatetime | None = None


class AlertsQuestion(PageQuestion):
    """Alerts, those opened last first; of each filter that is given."""

    status: AlertStatus | None = None
    rule: AlertRuleName | None = None


class AlertQuestion(Question):
    alert_id: UUID


class SilenceAlert(AlertQuestion):
    """Tell nobody of this condition *until* then; None: tell again."""

    until: AwareDatetime | None


class AlertRule(Message):
    """A rule as an organization has it; *description* says when it opens an alert."""

    name: AlertRuleName
    description: str
    enabled: bool


class AlertRules(Message):
    data: list[AlertRule]


class AlertRulesQuestion(Question):
    """All rules there are."""


class UpdateAlertRule(Question):
    name: AlertRuleName
    enabled: bool


class AlertOpened(Event):
    alert: Alert


class AlertResolved(Event):
    alert: Alert


_GATEWAY = frozenset({Service.GATEWAY})

LIST_ALERTS = Endpoint(
    "metrics.v1.list_alerts", AlertsQuestion, Page[Alert], askers=_GATEWAY
)
GET_ALERT = Endpoint("metrics.v1.get_alert", AlertQuestion, Alert, askers=_GATEWAY)
SILENCE_ALERT = Endpoint(
    "metrics.v1.silence_alert", SilenceAlert, Alert, askers=_GATEWAY
)
LIST_ALERT_RULES = Endpoint(
    "metrics.v1.list_alert_rules", AlertRulesQuestion, AlertRules, askers=_GATEWAY
)
UPDATE_ALERT_RULE = Endpoint(
    "metrics.v1.update_alert_rule", UpdateAlertRule, AlertRule, askers=_GATEWAY
)

ALERT_OPENED = Topic("alert", "opened", AlertOpened, publisher=Service.METRICS)
ALERT_RESOLVED = Topic("alert", "resolved", AlertResolved, publisher=Service.METRICS)
