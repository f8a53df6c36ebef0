"""What a call is charged of its limits, by how it ended."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.unit.agent_runner.external.objects import (
    NOON,
    ORG,
    PROVIDER,
    FakeLeases,
    Seconds,
    agent,
)
from tests.unit.agent_runner.limits.record_model import Record, RecordOf

from agent_runner.external.callers import ExternalCaller
from agent_runner.leases import HeldLease
from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.budget import ActiveBudget, new_budget
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind, Need
from agent_runner.proxy.counting import Count, End
from agent_runner.proxy.limited_calls import LimitedCalls
from agent_runner.proxy.prices import Prices
from agent_runner.proxy.wire_format import Asked, ModelRequest, Route
from agent_runner.used import Used
from shared.contracts.credentials import ProviderLimits
from shared.contracts.limits import BudgetPeriod, BudgetScope, BudgetTerms, ScopeKind
from shared.contracts.metrics import UsageSource
from shared.lifecycle import background
from shared.testing import FakeBus

ASKED = Asked(
    Route("chat.completions", "/chat/completions"),
    ModelRequest(b"x" * 300, "gpt-4o", most_output=500),
    (),
)
RESERVED = 600
ESTIMATED = Used(input_tokens=75)
TOLD = Used(input_tokens=75, output_tokens=9)


DAILY = new_budget(
    BudgetTerms(tokens=10_000, period=BudgetPeriod.DAY),
    budget_id=UUID(int=9),
    org_id=ORG,
    name="daily",
    scope=BudgetScope(kind=ScopeKind.ORGANIZATION),
    at=NOON,
)


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


async def no_budgets() -> list[ActiveBudget]:
    return []


@pytest.mark.parametrize(
    ("end", "usage", "source", "charged"),
    [
        (End.ANSWERED, TOLD, UsageSource.REPORTED, 84),
        (End.ANSWERED, Used(), UsageSource.NONE, RESERVED),
        (End.ABANDONED, TOLD, UsageSource.ESTIMATED, 84),
        (End.ABANDONED, ESTIMATED, UsageSource.ESTIMATED, RESERVED),
        (End.BROKEN, ESTIMATED, UsageSource.ESTIMATED, RESERVED),
        (End.TIMED_OUT, Used(), UsageSource.NONE, RESERVED),
        (End.UNANSWERED, Used(), UsageSource.NONE, 0),
        (End.REFUSED, Used(), UsageSource.NONE, 0),
        (End.FAILED, Used(), UsageSource.NONE, 0),
    ],
)
async def test_what_may_have_been_used_and_is_not_known_stays_reserved(
    end: End, usage: Used, source: UsageSource, charged: int
) -> None:
    record = Record(database_time=lambda: 1e9)
    leasing = Leasing(RecordOf(record, "one"), clock=lambda: 1000.0)
    limits = ProviderLimits(tokens_per_minute=10_000)
    caller = await a_caller()
    credential = caller.lease.credential.model_copy(update={"limits": limits})
    calls = LimitedCalls(
        leasing, budgets=ActiveBudgets(no_budgets), prices=Prices(FakeBus())
    )

    async with background(leasing.run()):
        admission = await calls.admit(caller, credential, ASKED)
        admission.settle(end, Count(usage, source))
        await leasing.lease([another()])  # which tells the record of the first

    assert record.used(f"provider:{PROVIDER}:tokens_per_minute", 1e9) == charged


async def test_a_budget_begins_anew_when_the_database_says_that_its_day_has(
    clock: Seconds,
) -> None:
    day = [NOON]
    record = Record(database_time=lambda: day[0].timestamp() + clock.now)
    leasing = Leasing(RecordOf(record, "one"), clock=clock)
    caller = await a_caller()
    calls = LimitedCalls(
        leasing, budgets=await budgets_of(DAILY), prices=Prices(FakeBus())
    )

    await leasing.read_clock()
    async with background(leasing.run()):
        await calls.admit(caller, caller.lease.credential, ASKED)
        day.append(day.pop() + timedelta(days=1))
        await leasing.lease([another()])
        clock.now += 61
        await calls.admit(caller, caller.lease.credential, ASKED)

    days = [key.rpartition(":")[2] for key in record.windows if "budget" in key]
    assert days == ["2026-01-01", "2026-01-02"]


async def test_the_first_budget_is_of_the_day_that_the_database_has() -> None:
    record = Record(database_time=NOON.timestamp)
    leasing = Leasing(RecordOf(record, "one"))

    await leasing.read_clock()

    assert abs(leasing.wall() - NOON) < timedelta(minutes=1)


@pytest.mark.parametrize("terms", [{"usd": 5}, {"tokens": 10_000}])
async def test_a_budget_that_only_warns_refuses_nothing_while_nobody_can_be_asked(
    terms: dict[str, int],
) -> None:
    record = Record(database_time=lambda: 1e9)
    leasing = Leasing(RecordOf(record, "one", is_reachable=False))
    caller = await a_caller()
    calls = LimitedCalls(
        leasing, budgets=await budgets_of(warning(terms)), prices=Prices(FakeBus())
    )

    async with background(leasing.run()):
        admission = await calls.admit(caller, caller.lease.credential, ASKED)

    admission.settle(End.ANSWERED, Count(TOLD, UsageSource.REPORTED))
    assert record.windows == {}


async def test_dollars_that_only_warn_keep_no_tokens_from_being_counted() -> None:
    record = Record(database_time=lambda: 1e9)
    leasing = Leasing(RecordOf(record, "one"))
    caller = await a_caller()
    calls = LimitedCalls(
        leasing,
        budgets=await budgets_of(DAILY, warning({"usd": 5})),
        prices=Prices(FakeBus()),
    )

    async with background(leasing.run()):
        await calls.admit(caller, caller.lease.credential, ASKED)

    assert [window.amount for window in record.windows.values()] == [10_000]


def warning(terms: dict[str, int]) -> ActiveBudget:
    return new_budget(
        BudgetTerms.model_validate({"period": "day", "mode": "warn", **terms}),
        budget_id=UUID(int=10),
        org_id=ORG,
        name="warning",
        scope=BudgetScope(kind=ScopeKind.ORGANIZATION),
        at=NOON,
    )


async def budgets_of(*budgets: ActiveBudget) -> ActiveBudgets:
    async def read() -> list[ActiveBudget]:
        return list(budgets)

    active = ActiveBudgets(read)
    await active.look()
    return active


async def a_caller() -> ExternalCaller:
    external, leases = agent(), FakeLeases()

    async def lease_of(provider_id: UUID) -> HeldLease:
        return await leases.obtain(
            org_id=ORG, agent_id=external.id, provider_id=provider_id
        )

    return ExternalCaller(
        id=external.id,
        org_id=ORG,
        agent_type=external.agent_type,
        lease=await lease_of(PROVIDER),
        token="",
        fallback_lease=lease_of,
    )


def another() -> Need:
    return Need(Limit("another", ORG, LimitKind.REQUESTS, 10, 1, "another", ORG), 1)
