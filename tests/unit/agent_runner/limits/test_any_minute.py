"""Three runners, one limit, any schedule: what any 60 seconds may hold."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind, Need
from shared.errors import DatabaseUnavailableError, LimitedError
from shared.ids import new_id
from shared.lifecycle import background

from .record_model import Record, RecordOf
from .virtual_time import VirtualTime, run_virtually

MINUTE = 60.0
ORG = new_id()


def limit(amount: int | None, kind: LimitKind = LimitKind.REQUESTS) -> Limit:
    return Limit(f"provider:x:{kind}", ORG, kind, amount, 1, 'provider "x"', ORG)


@dataclass
class Fleet:
    """Runners that share a record, each with a clock that began at another time."""

    time: VirtualTime
    record: Record
    chance: Random
    slowest: float
    runners: list[Leasing] = field(default_factory=list)
    admitted: list[tuple[float, int]] = field(default_factory=list)
    refused: list[tuple[float, LimitedError]] = field(default_factory=list)
    loses_answers: bool = False

    def enlist(self, name: str) -> Leasing:
        began = self.chance.uniform(0, 1e6)
        reached = RecordOf(
            self.record,
            name,
            delay=lambda: self.chance.uniform(0, self.slowest),
            loses_answers=lambda: self.loses_answers and self.chance.random() < 0.05,
        )
        runner = Leasing(reached, clock=lambda: self.time() + began)
        self.runners.append(runner)
        return runner

    async def call(self, at: float, runner: int, needs: Sequence[Need]) -> None:
        await asyncio.sleep(max(0.0, at - self.time()))
        try:
            parts = await self.runners[runner].lease(needs)
        except LimitedError as error:
            self.refused.append((self.time(), error))
        except DatabaseUnavailableError:
            pass
        else:
            self.admitted.append((self.time(), needs[0].units))
            self.used(runner, parts)

    def used(self, runner: int, parts: object) -> None:
        """Let what was taken be used in full."""

    def most_in_a_minute(self) -> int:
        """Return the most units that any 60 seconds hold."""
        most = 0
        for begin, _ in self.admitted:
            inside = [u for at, u in self.admitted if begin <= at < begin + MINUTE]
            most = max(most, sum(inside))
        return most


calls = st.lists(
    st.tuples(st.floats(0, 130), st.integers(0, 2)), min_size=1, max_size=80
)


def simulate(
    schedule: Sequence[tuple[float, int]],
    amount: int,
    seed: int,
    *,
    slowest: float,
    loses_answers: bool = False,
    jump: tuple[float, float] | None = None,
) -> Fleet:
    """Run calls of one unit each; *jump* sets the database's clock at some time."""
    time = VirtualTime()
    start = time()
    set_by = [0.0]
    record = Record(lambda: time() + 5e8 + set_by[0])
    fleet = Fleet(time, record, Random(seed), slowest)  # noqa: S311 - no secret

    async def main() -> None:
        async with AsyncExitStack() as stack:
            for name in ("one", "two", "three"):
                runner = fleet.enlist(name)
                await stack.enter_async_context(background(runner.run()))
                await runner.lease([Need(limit(None, LimitKind.TOOL_CALLS), 1)])
            fleet.loses_answers = loses_answers
            async with asyncio.TaskGroup() as group:
                for at, which in schedule:
                    needs = [Need(limit(amount), 1)]
                    group.create_task(fleet.call(start + 5 + at, which, needs))
                if jump is not None:
                    group.create_task(leap(*jump))

    async def leap(at: float, by: float) -> None:
        await asyncio.sleep(5 + at)
        set_by[0] += by

    run_virtually(main(), time)
    return fleet


@given(calls, st.integers(1, 30), st.integers(0, 2**32))
def test_no_60_seconds_hold_more_than_the_limit(
    schedule: list[tuple[float, int]], amount: int, seed: int
) -> None:
    fleet = simulate(schedule, amount, seed, slowest=0.05)

    assert fleet.most_in_a_minute() <= amount


@given(calls, st.integers(1, 30), st.integers(0, 2**32))
def test_a_small_limit_refuses_nothing_that_there_was_room_for(
    schedule: list[tuple[float, int]], amount: int, seed: int
) -> None:
    slowest = 0.01
    fleet = simulate(schedule, amount, seed, slowest=slowest)

    # The record decides at most two delays and a pause between rounds later.
    slack = 4 * slowest + 0.001
    for at, _ in fleet.refused:
        since = at - MINUTE - slack
        assert sum(u for t, u in fleet.admitted if since < t <= at + slack) >= amount


@given(
    calls,
    st.integers(1, 30),
    st.integers(0, 2**32),
    st.floats(0, 130),
    st.floats(-5_000, 5_000),
)
def test_setting_the_databases_clock_lets_no_more_through(
    schedule: list[tuple[float, int]], amount: int, seed: int, at: float, by: float
) -> None:
    fleet = simulate(schedule, amount, seed, slowest=0.02, jump=(at, by))

    assert fleet.most_in_a_minute() <= amount


@given(calls, st.integers(1, 30), st.integers(0, 2**32))
def test_lost_answers_let_no_more_through(
    schedule: list[tuple[float, int]], amount: int, seed: int
) -> None:
    fleet = simulate(schedule, amount, seed, slowest=0.05, loses_answers=True)

    assert fleet.most_in_a_minute() <= amount


def test_a_limit_is_whole_again_after_a_minute() -> None:
    burst = [(0.0, n % 3) for n in range(50)]
    after = [(60.2, n % 3) for n in range(50)]

    fleet = simulate(burst + after, 20, 1, slowest=0.01)

    assert len(fleet.admitted) == 40
    assert fleet.most_in_a_minute() <= 20


def test_a_refusal_says_when_there_is_room_again() -> None:
    fleet = simulate([(0.0, 0), (10.0, 1), (20.0, 2)], 2, 1, slowest=0.001)

    ((_, refusal),) = fleet.refused
    assert refusal.details["left"] == 0
    assert refusal.retry_after_seconds is not None
    assert 39.5 < refusal.retry_after_seconds < 40.5


def test_what_a_long_call_did_not_use_is_told_of_when_it_ends() -> None:
    time = VirtualTime()
    record = Record(lambda: time() + 5e8)
    runner = Leasing(RecordOf(record, "one"), clock=time)
    budget = limit(1_000, LimitKind.BUDGET)

    async def main() -> int:
        async with background(runner.run()):
            (part,) = await runner.lease([Need(budget, 900)])
            await asyncio.sleep(30)
            runner.settle(part, 10)
            await asyncio.sleep(1)
            return record.used(budget.key, record.steady_time)

    assert run_virtually(main(), time) == 10


def test_what_is_refused_keeps_nothing_from_other_runners() -> None:
    time = VirtualTime()
    record = Record(lambda: time() + 5e8)
    one, two = (Leasing(RecordOf(record, name), clock=time) for name in "12")
    at_once, budget = limit(1, LimitKind.CONCURRENT), limit(300, LimitKind.BUDGET)

    async def main() -> None:
        async with background(one.run(), two.run()):
            with pytest.raises(LimitedError):
                await one.lease([Need(at_once, 1), Need(budget, 400)])
            await asyncio.sleep(0.02)
            await two.lease([Need(at_once, 1), Need(budget, 300)])

    run_virtually(main(), time)


def test_a_runner_that_stops_keeps_nothing_that_its_calls_did_not_use() -> None:
    time = VirtualTime()
    record = Record(lambda: time() + 5e8)
    runner = Leasing(RecordOf(record, "one"), clock=time)
    budget = limit(1_000_000, LimitKind.BUDGET)

    async def main() -> None:
        async with background(runner.run()):
            for _ in range(3):  # of which the later ones lease ahead
                (part,) = await runner.lease([Need(budget, 100)])
                runner.settle(part, 10)

    run_virtually(main(), time)

    assert record.used(budget.key, record.steady_time) == 30


def test_a_large_limit_is_asked_for_rarely() -> None:
    schedule = [(n / 500, 0) for n in range(5_000)]

    fleet = simulate(schedule, 1_000_000, 1, slowest=0.002)

    assert len(fleet.admitted) == 5_000
    assert fleet.record.exchanges < 500
