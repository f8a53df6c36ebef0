"""The use case of watching: what holds becomes an alert, what ended is resolved."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from metrics.detection.detectors import (
    LONGEST_WINDOW,
    Finding,
    findings,
    token_spike,
)
from metrics.detection.traffic import Amount, Minute, Usual
from metrics.repositories.alerts import AlertsRepository, Condition
from metrics.repositories.watched_traffic import (
    UnpricedModel,
    WatchedTrafficRepository,
)
from metrics.rollups.rollups import Grain
from shared.clock import Clock
from shared.contracts.alerts import (
    AlertEvidence,
    AlertRuleName,
    AlertSubject,
    AlertSubjectKind,
)

from .calls_meant import calls_meant
from .standing_conditions import STANDING_RULES

__all__ = ["GONE_AFTER", "Watch"]

GONE_AFTER = timedelta(minutes=5)
_RULES = frozenset(AlertRuleName) - STANDING_RULES
_UNPRICED_WITHIN = timedelta(days=1)


class Watch:
    """Judges every agent and model again and again.

    What is usual changes slowly: it is read once each quarter of an hour.
    """

    def __init__(
        self,
        traffic: WatchedTrafficRepository,
        alerts: AlertsRepository,
        *,
        now: Clock,
    ) -> None:
        self._traffic = traffic
        self._alerts = alerts
        self._now = now
        self._usual: dict[tuple[UUID, str], Usual] = {}
        self._usual_at: datetime | None = None

    async def look(self) -> None:
        """Open, renew and resolve alerts of all organizations.

        Raises `UnavailableError`: an alert is only resolved after a whole look.
        """
        for org_id in await self._traffic.organizations():
            now = self._now()
            disabled = await self._alerts.disabled(org_id)
            conditions = [
                *await self._of_agents(org_id, now),
                *await self._of_models(org_id, now),
            ]
            wanted = [each for each in conditions if each.rule not in disabled]
            await self._alerts.note_conditions(org_id, wanted, now=now)
            await self._alerts.resolve(org_id, _RULES, now=now, unseen_for=GONE_AFTER)

    async def _of_agents(self, org_id: UUID, now: datetime) -> list[Condition]:
        minutes = await self._traffic.minutes(org_id, since=now - LONGEST_WINDOW)
        await self._read_usual(org_id, minutes, now)
        await self._read_busiest_five_minutes(org_id, minutes, now)
        return [
            _of_agent(agent, finding)
            for agent in minutes
            for finding in findings(minutes[agent], self._usual[org_id, agent], now=now)
        ]

    async def _of_models(self, org_id: UUID, now: datetime) -> list[Condition]:
        since = Grain.QUARTER.floor(now - _UNPRICED_WITHIN)
        found = await self._traffic.unpriced_models(org_id, since=since, until=now)
        return [_of_model(each, since=since, now=now) for each in found]

    async def _read_usual(
        self, org_id: UUID, minutes: Mapping[str, list[Minute]], now: datetime
    ) -> None:
        quarter = Grain.QUARTER.floor(now)
        if self._usual_at != quarter:
            self._usual.clear()
            self._usual_at = quarter
        unread = [each for each in minutes if (org_id, each) not in self._usual]
        if not unread:
            return
        usual = await self._traffic.usual(org_id, unread, now=now)
        for agent in unread:
            self._usual[org_id, agent] = usual.get(agent, Usual())

    async def _read_busiest_five_minutes(
        self, org_id: UUID, minutes: Mapping[str, list[Minute]], now: datetime
    ) -> None:
        """Read them of agents that seem to spike alone: most of the time of none."""
        spiking = [
            agent
            for agent in minutes
            if self._usual[org_id, agent].busiest_five_minutes is None
            and token_spike(minutes[agent], self._usual[org_id, agent], now=now)
        ]
        if not spiking:
            return
        busiest = await self._traffic.busiest_five_minutes(org_id, spiking, now=now)
        for agent in spiking:
            self._usual[org_id, agent] = replace(
                self._usual[org_id, agent],
                busiest_five_minutes=busiest.get(agent, Amount()),
            )


def _of_agent(agent: str, finding: Finding) -> Condition:
    return Condition(
        rule=finding.rule,
        subject=AlertSubject(kind=AlertSubjectKind.AGENT, key=agent),
        message=finding.message,
        evidence=AlertEvidence(
            figure=finding.figure,
            threshold=finding.threshold,
            baseline=finding.baseline,
            unit=finding.unit,
            since=finding.since,
            until=finding.until,
            calls=calls_meant(finding.since, finding.until, agent_id=agent),
        ),
    )


def _of_model(found: UnpricedModel, *, since: datetime, now: datetime) -> Condition:
    return Condition(
        rule=AlertRuleName.UNPRICED_MODEL,
        subject=AlertSubject(kind=AlertSubjectKind.MODEL, key=found.model),
        message=(
            f"No price of {found.model} is known. Calls of the last day without a"
            f" cost: {found.calls:,}. Set one under Settings, Prices, or with"
            " PUT /api/prices."
        ),
        evidence=AlertEvidence(
            figure=found.calls,
            threshold=1,
            unit="calls without a price",
            since=since,
            until=now,
            calls=calls_meant(since, now, model=found.model),
        ),
    )
