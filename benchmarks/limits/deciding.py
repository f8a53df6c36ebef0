"""One runner whose callers ask for a limit again and again, counting the answers."""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from agent_runner.limits.leasing import Leasing
from agent_runner.limits.limit import Limit, LimitKind, Need
from agent_runner.repositories.limit_shares import ShareRepository
from agent_runner.settings import Settings
from shared.database import connect_database
from shared.errors import LimitedError
from shared.ids import new_id
from shared.lifecycle import background

__all__ = ["CALLERS", "Decided", "decide"]

CALLERS = 334
ORG = new_id()


@dataclass(frozen=True, slots=True)
class Decided:
    admitted: int
    refused: int
    seconds: float


def decide(
    settings: Settings, name: str, key: str, amount: int, seconds: float
) -> Decided:
    limit = Limit(key, ORG, LimitKind.REQUESTS, amount, 1, "provider", ORG)
    return asyncio.run(deciding(settings, name, Need(limit, 1), seconds))


async def deciding(
    settings: Settings, name: str, need: Need, seconds: float
) -> Decided:
    async with connect_database(settings) as database:
        leasing = Leasing(ShareRepository(database, runner=name, epoch=1))
        counts = [0, 0]

        async def caller(until: float) -> None:
            while perf_counter() < until:
                try:
                    for part in await leasing.lease([need]):
                        leasing.settle(part, part.units)
                    counts[0] += 1
                except LimitedError:
                    counts[1] += 1
                await asyncio.sleep(0)

        async with background(leasing.run()):
            began = perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(CALLERS):
                    group.create_task(caller(began + seconds))
            return Decided(counts[0], counts[1], perf_counter() - began)
