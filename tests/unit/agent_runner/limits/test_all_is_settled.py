"""Whatever becomes of calls and answers, what counts in the end is what was used."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind, Need
from shared.errors import DatabaseUnavailableError, LimitedError
from shared.ids import new_id
from shared.lifecycle import background

from .record_model import Record, RecordOf
from .virtual_time import VirtualTime, run_virtually

ORG = new_id()
RUNNERS = 3
LEAVES_WITHIN = 0.1
LOST = 0.2


class Call(NamedTuple):
    """Units that it reserves and uses, and seconds; it may leave while it waits."""

    at: float
    runner: int
    reserves: int
    uses: int
    lasts: float
    leaves: bool


CALLS = st.builds(
    Call,
    at=st.floats(0, 20),
    runner=st.integers(0, RUNNERS - 1),
    reserves=st.integers(1, 300),
    uses=st.integers(0, 400),
    lasts=st.floats(0, 15),
    leaves=st.booleans(),
)


def limit(kind: LimitKind, amount: int) -> Limit:
    return Limit(f"provider:x:{kind}", ORG, kind, amount, 1, 'provider "x"', ORG)


@dataclass
class Users:
    """Runners that lose answers or wait for them too long, and what was used."""

    record: Record
    time: VirtualTime
    chance: Random
    slowest: float
    budget: Limit
    others: Sequence[Limit]
    used: int = 0
    loses_answers: bool = True

    def runner(self, name: str) -> Leasing:
        reached = RecordOf(
            self.record,
            name,
            delay=lambda: self.chance.uniform(0, self.slowest),
            loses_answers=lambda: self.loses_answers and self.chance.random() < LOST,
        )
        return Leasing(reached, clock=self.time)

    async def make(self, call: Call, runner: Leasing) -> None:
        await asyncio.sleep(call.at)
        needs = [Need(each, 1) for each in self.others]
        needs.append(Need(self.budget, call.reserves))
        try:
            async with asyncio.timeout(LEAVES_WITHIN if call.leaves else None):
                parts = await runner.lease(needs)
        except (LimitedError, DatabaseUnavailableError, TimeoutError):
            return
        await asyncio.sleep(call.lasts)
        self.used += call.uses
        charged = call.uses
        for part in parts:
            is_budget = part.share.limit is self.budget
            units = min(part.units, charged) if is_budget else 0
            if part is parts[-1]:
                units = charged
            runner.settle(part, units)
            charged -= units


@given(
    calls=st.lists(CALLS, min_size=1, max_size=30),
    budget=st.integers(1, 200_000),
    at_once=st.none() | st.integers(1, 20),
    seed=st.integers(0, 2**32),
    slowest=st.sampled_from([0.005, 0.3, 4.0]),
)
def test_nothing_stays_reserved_or_in_use_that_no_call_has(
    calls: Sequence[Call], budget: int, at_once: int | None, seed: int, slowest: float
) -> None:
    time = VirtualTime()
    record = Record(lambda: time() + 5e8)
    users = Users(
        record,
        time,
        Random(seed),  # noqa: S311 - no secret
        slowest,
        limit(LimitKind.BUDGET, budget),
        [limit(LimitKind.CONCURRENT, at_once)] if at_once else [],
    )

    async def main() -> None:
        async with AsyncExitStack() as stack:
            runners = [users.runner(str(number)) for number in range(RUNNERS)]
            for each in runners:
                await stack.enter_async_context(background(each.run()))
            async with asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(users.make(call, runners[call.runner]))
            users.loses_answers = False
            await asyncio.sleep(30)
            assert not record.shares
            # A record that no call reached in time knows no budget at all.
            settled = sum(window.settled for window in record.windows.values())
            assert settled == users.used

    run_virtually(main(), time)
