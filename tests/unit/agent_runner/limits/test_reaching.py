"""What is told in public of limits and budgets, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.budget import ActiveBudget
from agent_runner.limits.exchange import Granted
from agent_runner.limits.limit import Limit, LimitKind
from agent_runner.limits.reaching import Reaching
from shared.contracts.limits import (
    BudgetMode,
    BudgetPeriod,
    BudgetReached,
    BudgetScope,
    LimitReached,
    ScopeKind,
)
from shared.ids import new_id
from shared.testing import FakeBus, FakeClock

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
ORG, BUDGET_ID = new_id(), new_id()
BUDGET = ActiveBudget(
    id=BUDGET_ID,
    org_id=ORG,
    name="all",
    scope=BudgetScope(kind=ScopeKind.ORGANIZATION),
    is_in_dollars=False,
    amount=1000,
    period=BudgetPeriod.MONTH,
    time_zone="UTC",
    mode=BudgetMode.WARN,
    warn_at_percent=80,
    version=1,
    created_at=AT,
    updated_at=AT,
)
REQUESTS = Limit("provider:x:r", ORG, LimitKind.REQUESTS, 5, 1, 'provider "x"', ORG)


class Telling:
    """What several runners told, repeats dropped as JetStream drops them."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        self.clock = FakeClock()
        self.noted: list[int] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def runner(self, *budgets: ActiveBudget) -> Reaching:
        async def read() -> Sequence[ActiveBudget]:
            return budgets

        async def note(_: str, percent: int) -> None:
            self.noted.append(percent)
            self.meanwhile()

        active = ActiveBudgets(read)
        await active.look()
        return Reaching(bus=self.bus, budgets=active, note_told=note, now=self.clock)

    @property
    def events(self) -> list[object]:
        return list({event.id: event for _, event in self.bus.published}.values())


def standing(used: int, *, told: int = 0, wished: int = 1, units: int = 1) -> Granted:
    return Granted(new_id(), "key", wished, units, None, used, told)


async def test_a_budget_is_told_of_at_its_percentage_and_when_it_is_spent() -> None:
    telling = Telling()
    runner = await telling.runner(BUDGET)

    for used in (100, 799, 800, 850, 999, 1000, 1200):
        runner.observe(BUDGET.limit_at(AT), standing(used))
        await runner.tell()

    told = [each for each in telling.events if isinstance(each, BudgetReached)]
    assert [(each.percent, each.used) for each in told] == [(80, 800), (100, 1000)]
    assert told[0].amount == 1000
    assert (told[0].period_start.day, told[0].period_end.month) == (1, 2)
    assert telling.noted == [80, 100]


async def test_what_is_reached_while_an_event_is_on_its_way_is_told_after_it() -> None:
    telling = Telling()
    runner = await telling.runner(BUDGET)
    limit = BUDGET.limit_at(AT)
    telling.meanwhile = lambda: runner.observe(limit, standing(1000))

    runner.observe(limit, standing(800))
    await runner.tell()

    assert telling.noted == [80, 100]


async def test_what_several_runners_tell_is_one_event() -> None:
    telling = Telling()
    for runner in [await telling.runner(BUDGET) for _ in range(3)]:
        runner.observe(BUDGET.limit_at(AT), standing(900))
        await runner.tell()

    assert len(telling.bus.published) == 3
    assert len(telling.events) == 1


async def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    telling = Telling()
    runner = await telling.runner(BUDGET)

    runner.observe(BUDGET.limit_at(AT), standing(900, told=80))
    await runner.tell()

    assert telling.events == []


async def test_a_budget_that_was_changed_is_told_of_anew() -> None:
    telling = Telling()
    raised = replace(BUDGET, amount=2000, version=2)
    for budget in (BUDGET, raised):
        runner = await telling.runner(budget)
        runner.observe(budget.limit_at(AT), standing(1700))
        await runner.tell()

    assert len(telling.events) == 2


async def test_a_call_larger_than_its_budget_says_nothing_of_what_is_used() -> None:
    telling = Telling()
    runner = await telling.runner(BUDGET)

    runner.observe(BUDGET.limit_at(AT), standing(1000, wished=5000, units=1000))
    await runner.tell()
    before = list(telling.events)
    runner.observe(BUDGET.limit_at(AT), standing(1000, wished=500, units=100))
    await runner.tell()

    assert before == []
    told = [each for each in telling.events if isinstance(each, BudgetReached)]
    assert [each.percent for each in told] == [100]


async def test_a_limit_that_refuses_is_told_of_once_a_minute() -> None:
    telling = Telling()
    runner = await telling.runner()

    for _ in range(3):
        runner.observe(REQUESTS, standing(5, units=0))
        await runner.tell()
    telling.clock.time = telling.clock.time.replace(minute=1)
    runner.observe(REQUESTS, standing(5, units=0))
    await runner.tell()

    assert len(telling.events) == 2
    assert isinstance(telling.events[0], LimitReached)


async def test_a_limit_that_grants_is_not_told_of() -> None:
    telling = Telling()
    runner = await telling.runner()

    runner.observe(REQUESTS, standing(4))
    await runner.tell()

    assert telling.events == []
