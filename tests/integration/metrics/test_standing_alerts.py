"""Alerts about what other services know, on real tables and a bus of fakes."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from metrics.alerting.standing_watch import StandingWatch
from metrics.alerting.watch import Watch
from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.repositories.alerts import PostgresAlerts
from metrics.repositories.fresh_rollups import PostgresFolding
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.rollups import Turns
from metrics.repositories.watched_traffic import PostgresWatchedTraffic
from metrics.settings import Settings
from shared.bus import answer
from shared.contracts.agent_runner import (
    LIST_AGENTS,
    Agent,
    AgentStatus,
    DesiredState,
)
from shared.contracts.alerts import Alert, AlertRuleName, AlertsQuestion, AlertStatus
from shared.contracts.base import Actor, Empty, Page, PageQuestion
from shared.contracts.credentials import LIST_PROVIDERS, Provider
from shared.contracts.gateway import LIST_ORGANIZATIONS, Organizations
from shared.contracts.limits import LIST_BUDGETS, Budget
from shared.database import connect_database
from shared.errors import UnavailableError
from shared.ids import new_id
from shared.testing import FakeBus, FakeClock

from .records import batch, call

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")
NOW = datetime.now(UTC).replace(microsecond=0)
LATER = timedelta(minutes=6)  # than what makes an unseen condition one that ended
SAMPLE = Path(__file__).parents[2] / "unit/shared/samples/agent_runner/Agent.json"


def failing(name: str) -> Agent:
    plain = Agent.model_validate_json(json.dumps(json.loads(SAMPLE.read_text())))
    return plain.model_copy(
        update={
            "id": new_id(),
            "name": name,
            "status": AgentStatus.ERROR,
            "desired_state": DesiredState.RUNNING,
        }
    )


@dataclass
class Owners:
    """Who answers for organizations, and for what is theirs; a page holds one agent."""

    agents: dict[UUID, list[Agent]] = field(default_factory=dict)
    is_silent: bool = False

    async def list_organizations(self, _: Empty) -> Organizations:
        if self.is_silent:
            raise UnavailableError("Nobody answers.")
        return Organizations(ids=frozenset(self.agents))

    async def list_agents(self, question: PageQuestion) -> Page[Agent]:
        if self.is_silent:
            raise UnavailableError("Nobody answers.")
        at = int(question.cursor or 0)
        agents = self.agents.get(question.org_id, [])
        more = str(at + 1) if at + 1 < len(agents) else None
        return Page(data=agents[at : at + 1], next_cursor=more)

    async def list_providers(self, _: PageQuestion) -> Page[Provider]:
        return Page(data=[])

    async def list_budgets(self, _: PageQuestion) -> Page[Budget]:
        return Page(data=[])


@dataclass
class Watched:
    owners: Owners
    standing: StandingWatch
    traffic: Watch
    repository: PostgresAlerts
    ledger: Ledger
    folding: PostgresFolding
    clock: FakeClock

    def organization(self, *agents: Agent) -> UUID:
        """Make an organization that has these agents and has never made a call."""
        org_id = new_id()
        self.owners.agents[org_id] = list(agents)
        return org_id

    async def count_a_call(self, org_id: UUID) -> None:
        record = call(org_id=org_id, started_at=NOW)
        await self.ledger.ingest(batch(new_id(), [record]))
        await self.folding.fold()

    async def alerts(self, org_id: UUID) -> list[Alert]:
        question = AlertsQuestion(org_id=org_id, actor=ACTOR)
        return await self.repository.newest(question, below=None, limit=50)


@pytest_asyncio.fixture
async def watched(settings: Settings, schema: None) -> AsyncIterator[Watched]:  # noqa: ARG001 - the tables
    clock, owners, bus = FakeClock(NOW), Owners(), FakeBus()
    bus.serve(
        answer(LIST_ORGANIZATIONS, owners.list_organizations),
        answer(LIST_AGENTS, owners.list_agents),
        answer(LIST_PROVIDERS, owners.list_providers),
        answer(LIST_BUDGETS, owners.list_budgets),
    )
    async with connect_database(settings) as database:
        turns = Turns()
        repository = PostgresAlerts(database)
        traffic = PostgresWatchedTraffic(database)
        yield Watched(
            owners=owners,
            standing=StandingWatch(repository, bus, now=clock),
            traffic=Watch(traffic, repository, now=clock),
            repository=repository,
            ledger=Ledger(PostgresLedger(database, turns), JustCounted()),
            folding=PostgresFolding(database, turns),
            clock=clock,
        )


async def test_each_failing_agent_has_one_alert_on_whichever_page_it_is(
    watched: Watched,
) -> None:
    one, another = failing("one"), failing("another")
    org_id = watched.organization(one, another)

    await watched.standing.look()
    await watched.standing.look()

    alerts = await watched.alerts(org_id)
    assert {each.subject.key for each in alerts} == {str(one.id), str(another.id)}
    assert {each.rule for each in alerts} == {AlertRuleName.AGENT_IN_ERROR}
    assert len(alerts) == 2


async def test_an_alert_is_resolved_once_its_agent_has_recovered(
    watched: Watched,
) -> None:
    org_id = watched.organization(failing("one"))
    await watched.standing.look()

    watched.owners.agents[org_id] = []
    watched.clock.advance(LATER)
    await watched.standing.look()

    [alert] = await watched.alerts(org_id)
    assert alert.status is AlertStatus.RESOLVED


async def test_an_owner_that_is_silent_resolves_nothing_nor_does_other_traffic(
    watched: Watched,
) -> None:
    org_id = watched.organization(failing("one"))
    await watched.count_a_call(org_id)
    await watched.standing.look()

    watched.owners.is_silent = True
    watched.clock.advance(LATER)
    await watched.standing.look()
    await watched.traffic.look()

    [alert] = await watched.alerts(org_id)
    assert alert.status is AlertStatus.OPEN


async def test_a_rule_that_is_off_opens_nothing(watched: Watched) -> None:
    org_id = watched.organization(failing("one"))
    await watched.repository.enable(
        org_id, AlertRuleName.AGENT_IN_ERROR, enabled=False, actor=ACTOR
    )

    await watched.standing.look()

    assert await watched.alerts(org_id) == []
