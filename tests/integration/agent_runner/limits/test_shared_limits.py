"""Limits that three runners share, on a real PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import Stack
from agent_runner.limits.exchange import Asked, Wish
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import LimitKind, Need
from agent_runner.limits.shares import Part
from shared.errors import BudgetSpentError, LimitedError
from shared.ids import new_id

from .record import SharedRecord, limit, open_record

MOMENT, MINUTE = 0.001, 60.0
Outcome = list[Part] | LimitedError


@pytest.fixture
async def record(stack: Stack) -> AsyncIterator[SharedRecord]:
    async with open_record(stack) as opened:
        yield opened


@pytest.fixture
async def runners(record: SharedRecord) -> AsyncIterator[Sequence[Leasing]]:
    async with (
        record.runner("one") as one,
        record.runner("two") as two,
        record.runner("three") as three,
    ):
        yield one, two, three


async def ask(runner: Leasing, *needs: Need) -> Outcome:
    try:
        return await runner.lease(needs)
    except LimitedError as error:
        return error


async def crowd(
    runners: Sequence[Leasing], *needs: Need, callers: int
) -> list[Outcome]:
    """Let *callers* ask at once, spread over the runners."""
    asking = (ask(runners[n % len(runners)], *needs) for n in range(callers))
    return await asyncio.gather(*asking)


def admitted(outcomes: Sequence[Outcome]) -> list[list[Part]]:
    return [each for each in outcomes if not isinstance(each, LimitedError)]


async def test_of_1000_callers_at_once_exactly_as_many_pass_as_the_limit_has(
    runners: Sequence[Leasing],
) -> None:
    outcomes = await crowd(runners, Need(limit(100), 1), callers=1000)

    assert len(admitted(outcomes)) == 100


async def test_a_small_limit_lets_each_of_its_calls_pass(
    runners: Sequence[Leasing],
) -> None:
    outcomes = [await ask(runners[n % 3], Need(limit(5), 1)) for n in range(6)]

    assert len(admitted(outcomes[:5])) == 5
    assert isinstance(outcomes[5], LimitedError)


async def test_what_is_refused_takes_nothing(runners: Sequence[Leasing]) -> None:
    requests, tokens = limit(10), limit(1000, LimitKind.TOKENS)
    await crowd(runners, Need(requests, 1), Need(tokens, 400), callers=9)

    outcomes = await crowd(runners, Need(requests, 1), callers=20)

    assert len(admitted(outcomes)) == 8  # two of the nine had tokens


async def test_two_limits_that_are_always_wanted_together_do_not_wait_for_each_other(
    runners: Sequence[Leasing],
) -> None:
    one, other = limit(200), limit(150, LimitKind.TOOL_CALLS)

    outcomes = await asyncio.gather(
        crowd(runners, Need(one, 1), Need(other, 1), callers=300),
        crowd(runners, Need(other, 1), Need(one, 1), callers=300),
    )

    assert sum(len(admitted(each)) for each in outcomes) == 150


async def test_a_lower_limit_holds_at_once_whoever_knows_it_first(
    runners: Sequence[Leasing],
) -> None:
    await crowd(runners, Need(limit(100), 1), callers=30)
    lower = replace(limit(31), version=2)

    outcomes = await crowd(runners[:1], Need(lower, 1), callers=5)
    by_the_old = await crowd(runners[1:], Need(limit(100), 1), callers=5)

    assert len(admitted(outcomes)) == 1
    assert not admitted(by_the_old)


async def test_calls_at_once_are_counted_across_runners_until_they_end(
    runners: Sequence[Leasing],
) -> None:
    need = Need(limit(3, LimitKind.CONCURRENT), 1)
    outcomes = await crowd(runners, need, callers=9)
    running = admitted(outcomes)

    assert len(running) == 3
    for position, outcome in enumerate(outcomes):
        if not isinstance(outcome, LimitedError):
            runners[position % 3].give_back(outcome)
    again = await crowd(runners, need, callers=9)

    assert len(admitted(again)) == 3


async def test_a_dead_runners_calls_make_room_when_it_is_back(
    record: SharedRecord,
) -> None:
    need = Need(limit(2, LimitKind.CONCURRENT), 1)
    async with record.runner("one", epoch=1) as dead:
        await crowd([dead], need, callers=2)

    async with record.runner("two") as other:
        before = await crowd([other], need, callers=2)
        async with record.runner("one", epoch=2) as back:
            after = await crowd([back, other], need, callers=4)

    assert len(admitted(before)) == 0
    assert len(admitted(after)) == 2


async def test_a_dead_runner_has_spent_what_it_had_reserved_of_a_budget(
    record: SharedRecord,
) -> None:
    need = Need(limit(1000, LimitKind.BUDGET), 300)
    async with record.runner("one", epoch=1) as dead:
        await crowd([dead], need, callers=2)

    async with record.runner("one", epoch=2) as back:
        outcomes = await crowd([back], need, callers=2)

    assert len(admitted(outcomes)) == 1
    assert isinstance(outcomes[1], BudgetSpentError)


async def test_a_runner_that_is_back_and_one_that_leases_do_not_wait_for_each_other(
    record: SharedRecord, stack: Stack
) -> None:
    limits = limit(9, LimitKind.BUDGET), limit(9, LimitKind.CONCURRENT)
    for name in ("one", "two"):
        wanted = [Wish(new_id(), each, 1) for each in limits]
        await record.repository(name).exchange(Asked(settled=[], wanted=wanted))
    again = Asked(
        settled=[],
        wanted=[Wish(new_id(), each, 1) for each in limits],
        renews=True,
        clock=0,
        known_time=time.time() + 3600,  # by then what "one" held has ended
    )
    superuser = await stack.connect()

    async with asyncio.TaskGroup() as tasks, superuser.transaction():
        await superuser.execute(
            "SELECT FROM agent_runner.limit_share WHERE runner = 'two' FOR UPDATE"
        )
        leasing = tasks.create_task(record.repository("two").exchange(again))
        await until_blocked(superuser, "agent_runner_sweep")
        tasks.create_task(record.repository("one", epoch=2).inherit())
        await until_blocked(superuser, "agent_runner_sweep", connections=2)
    await superuser.close()

    assert all(each.is_whole for each in leasing.result().granted)


async def test_what_a_call_did_not_use_is_there_for_others(
    runners: Sequence[Leasing],
) -> None:
    need = Need(limit(1000, LimitKind.TOKENS), 900)
    (part,) = await runners[0].lease([need])
    refused = await ask(runners[1], need)

    runners[0].settle(part, 50)
    await runners[0].lease([Need(limit(9, LimitKind.TOOL_CALLS), 1)])  # tells of it
    outcome = await ask(runners[1], need)

    assert isinstance(refused, LimitedError)
    assert refused.details["left"] == 100
    assert not isinstance(outcome, LimitedError)


async def test_more_than_was_reserved_is_charged_in_full(
    runners: Sequence[Leasing],
) -> None:
    need = Need(limit(1000, LimitKind.TOKENS), 100)
    (part,) = await runners[0].lease([need])

    runners[0].settle(part, 950)
    await runners[0].lease([Need(limit(9, LimitKind.TOOL_CALLS), 1)])
    outcome = await ask(runners[1], need)

    assert isinstance(outcome, LimitedError)
    assert outcome.details["left"] == 50


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 61.0])
async def test_the_databases_clock_may_be_set(
    record: SharedRecord, runners: Sequence[Leasing], seconds: float
) -> None:
    need = Need(limit(5), 1)
    await crowd(runners, need, callers=9)

    await record.set_clock(seconds)
    outcomes = await crowd(runners, need, callers=9)

    assert not admitted(outcomes)


async def test_a_clock_nobody_watched_would_let_more_through(
    record: SharedRecord,
) -> None:
    """The control of the test above: runners that are new have nothing to compare."""
    need = Need(limit(5), 1)
    async with record.runner("one") as one:
        await crowd([one], need, callers=9)

    await record.set_clock(3600.0)
    async with record.runner("two") as two:
        outcomes = await crowd([two], need, callers=9)

    assert len(admitted(outcomes)) == 5


async def test_a_limit_of_nothing_lets_nothing_pass(runners: Sequence[Leasing]) -> None:
    outcomes = await crowd(runners, Need(limit(0), 1), callers=3)

    assert not admitted(outcomes)


async def test_a_wish_that_comes_after_it_was_given_up_is_not_granted(
    record: SharedRecord,
) -> None:
    repository = record.repository("one")
    now = await repository.exchange(Asked(settled=[], wanted=[]))
    wish = Wish(new_id(), limit(1, LimitKind.CONCURRENT), 1)
    late = Asked(
        settled=[], wanted=[wish], clock=now.clock, not_after=now.time - MOMENT
    )

    unheard = await repository.exchange(late)
    heard = await repository.exchange(replace(late, not_after=now.time + MINUTE))

    assert not unheard.granted
    assert heard.granted[0].is_whole
