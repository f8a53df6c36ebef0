"""The use case of watching what others know: budgets, credentials, agents."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from metrics.repositories.alerts import AlertsRepository, Condition
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.agent_runner import LIST_AGENTS
from shared.contracts.alerts import AlertRuleName
from shared.contracts.base import Actor, Empty, Endpoint, Page, PageQuestion
from shared.contracts.credentials import LIST_PROVIDERS
from shared.contracts.gateway import LIST_ORGANIZATIONS
from shared.contracts.limits import LIST_BUDGETS
from shared.errors import AppError

from .standing_conditions import (
    agents_in_error,
    budgets_spent,
    expiring_credentials,
)
from .watch import GONE_AFTER

__all__ = ["StandingWatch"]

log = structlog.get_logger(__name__)

_ACTOR = Actor(kind="service", id="metrics")
_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Rule:
    """Whom to ask for all of which things, and how they are judged."""

    name: AlertRuleName
    endpoint: Endpoint[PageQuestion, Page[Any]]
    judge: Callable[..., list[Condition]]


_RULES = (
    _Rule(AlertRuleName.BUDGET_SPENT, LIST_BUDGETS, budgets_spent),
    _Rule(AlertRuleName.CREDENTIAL_EXPIRY, LIST_PROVIDERS, expiring_credentials),
    _Rule(AlertRuleName.AGENT_IN_ERROR, LIST_AGENTS, agents_in_error),
)


class StandingWatch:
    """Asks the owners again and again; one that is silent changes no alert."""

    def __init__(self, alerts: AlertsRepository, bus: Bus, *, now: Clock) -> None:
        self._alerts = alerts
        self._bus = bus
        self._now = now
        self._organizations: frozenset[UUID] = frozenset()

    async def look(self) -> None:
        """Open, renew and resolve the alerts of all organizations.

        Raises `DatabaseUnavailableError`.
        """
        await self._ask_for_organizations()
        for org_id in self._organizations:
            disabled = await self._alerts.disabled(org_id)
            for rule in _RULES:
                await self._look(org_id, rule, is_enabled=rule.name not in disabled)

    async def _ask_for_organizations(self) -> None:
        """Those that are known stay while the gateway is silent."""
        try:
            told = await self._bus.ask(LIST_ORGANIZATIONS, Empty())
        except AppError as error:
            log.warning("organizations.unasked", reason=error.message)
            return
        self._organizations = told.ids

    async def _look(self, org_id: UUID, rule: _Rule, *, is_enabled: bool) -> None:
        now = self._now()
        found: list[Condition] = []
        if is_enabled:
            try:
                found = await self._conditions(org_id, rule, now)
            except AppError as error:
                log.warning("rule.unasked", rule=rule.name, reason=error.message)
                return
        await self._alerts.note_conditions(org_id, found, now=now)
        await self._alerts.resolve(org_id, {rule.name}, now=now, unseen_for=GONE_AFTER)

    async def _conditions(
        self, org_id: UUID, rule: _Rule, now: datetime
    ) -> list[Condition]:
        found: list[Condition] = []
        cursor: str | None = None
        while True:
            question = PageQuestion(
                org_id=org_id, actor=_ACTOR, limit=_PAGE, cursor=cursor
            )
            page = await self._bus.ask(rule.endpoint, question)
            found += rule.judge(page.data, now=now)
            cursor = page.next_cursor
            if cursor is None:
                return found
