"""The use cases of alerts as people see them: read, silenced, switched off."""

from metrics.repositories.alerts import AlertsRepository
from shared.clock import Clock
from shared.contracts.alerts import (
    Alert,
    AlertQuestion,
    AlertRule,
    AlertRuleName,
    AlertRules,
    AlertRulesQuestion,
    AlertsQuestion,
    SilenceAlert,
    UpdateAlertRule,
)
from shared.contracts.base import Page
from shared.errors import AlertNotFoundError, InvalidError
from shared.pages import before, page_of

__all__ = ["Alerts"]

_DESCRIPTIONS = {
    AlertRuleName.TOKEN_SPIKE: (
        "An agent uses in five minutes, of 10 calls at least, 100,000 tokens more than"
        " 0.8 of its busiest quarter of an hour about this time of the day in the last"
        " seven days, or than twice its busiest five minutes where those hold more than"
        " 0.6 of that quarter's."
    ),
    AlertRuleName.ERROR_RATE: (
        "A fifth or more of an agent's calls fail, of 10 calls at least, and chance"
        " would not make so many of those that usually fail."
    ),
    AlertRuleName.SLOW_RESPONSES: (
        "One of twenty calls of an agent takes twice as long as usual, or two"
        " minutes where that is not usual; 3 seconds and 10 calls at least."
    ),
    AlertRuleName.UNPRICED_MODEL: (
        "Calls of the last day have no cost, for no price of their model is known."
    ),
    AlertRuleName.BUDGET_SPENT: (
        "A budget has come to the part of its amount from which it warns."
    ),
    AlertRuleName.CREDENTIAL_EXPIRY: (
        "The credentials of an enabled provider end within the hour, or have ended."
    ),
    AlertRuleName.AGENT_IN_ERROR: "An agent that is to run fails again and again.",
}


class Alerts:
    def __init__(self, repository: AlertsRepository, *, now: Clock) -> None:
        self._repository = repository
        self._now = now

    async def list_alerts(self, question: AlertsQuestion) -> Page[Alert]:
        """List alerts, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.newest(
            question, below=before(question.cursor), limit=question.limit + 1
        )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def get_alert(self, question: AlertQuestion) -> Alert:
        """Find one. Raises `AlertNotFoundError`."""
        found = await self._repository.find(question.org_id, question.alert_id)
        if found is None:
            raise _not_found(question)
        return found

    async def silence(self, question: SilenceAlert) -> Alert:
        """Tell nobody for a while. Raises `AlertNotFoundError`, `InvalidError`."""
        if question.until is not None and question.until <= self._now():
            raise InvalidError.of_fields(
                "The silence is over.", {"until": "must be later than now"}
            )
        silenced = await self._repository.silence(
            question.org_id,
            question.alert_id,
            until=question.until,
            actor=question.actor,
        )
        if silenced is None:
            raise _not_found(question)
        return silenced

    async def list_rules(self, question: AlertRulesQuestion) -> AlertRules:
        """List every rule and whether it is on."""
        disabled = await self._repository.disabled(question.org_id)
        rules = [_rule(name, enabled=name not in disabled) for name in AlertRuleName]
        return AlertRules(data=rules)

    async def update_rule(self, question: UpdateAlertRule) -> AlertRule:
        """Switch a rule on or off; the alerts of one that is off are soon resolved."""
        await self._repository.enable(
            question.org_id,
            question.name,
            enabled=question.enabled,
            actor=question.actor,
        )
        return _rule(question.name, enabled=question.enabled)


def _rule(name: AlertRuleName, *, enabled: bool) -> AlertRule:
    return AlertRule(name=name, description=_DESCRIPTIONS[name], enabled=enabled)


def _not_found(question: AlertQuestion) -> AlertNotFoundError:
    return AlertNotFoundError(f"There is no alert {question.alert_id}.")
