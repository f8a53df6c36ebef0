"""Limits and budgets in force, shared with the other runners."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from agent_runner.agents.ownerless_budgets import OwnerlessBudgets
from agent_runner.limits.active_budgets import ActiveBudgets
from agent_runner.limits.leasing import Leasing
from agent_runner.limits.platform import PlatformLimits
from agent_runner.limits.reaching import Reaching
from agent_runner.proxy.limited_calls import LimitedCalls
from agent_runner.proxy.prices import Prices
from agent_runner.repositories.agent_types import limits_of
from agent_runner.repositories.budgets import all_budgets
from agent_runner.repositories.limit_shares import ShareRepository, note_told
from shared.contracts.credentials import PROVIDER_CHANGED
from shared.contracts.limits import BUDGETS_CHANGED
from shared.lifecycle import background, every

from .ground import Ground

__all__ = ["LimitsInForce", "limiting"]

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    of_calls: LimitedCalls
    of_tools: PlatformLimits


@asynccontextmanager
async def limiting(ground: Ground) -> AsyncIterator[LimitsInForce]:
    """Share limits and budgets with the other runners while the block runs."""
    database, bus, tenure = ground.database, ground.bus, ground.tenure
    record = ShareRepository(database, runner=tenure.runner, epoch=tenure.epoch)
    await record.inherit()
    budgets = ActiveBudgets(partial(all_budgets, database))
    await budgets.look()
    reaching = Reaching(
        bus=bus, budgets=budgets, note_told=partial(note_told, database)
    )
    ownerless = OwnerlessBudgets(database=database, bus=bus)
    leasing = Leasing(record, observe=reaching.observe)
    await leasing.read_clock()  # or budgets would begin in the period of our own
    async with (
        bus.hearing(BUDGETS_CHANGED, budgets.changed),
        bus.hearing(PROVIDER_CHANGED, ownerless.provider_changed),
        background(
            leasing.run(),
            budgets.run(),
            ownerless.looking(),
            ownerless.sweeping(),
            reaching.run(),
            every(_HOUR, record.forget, name="limits.forgotten"),
        ),
    ):
        yield LimitsInForce(
            of_calls=LimitedCalls(leasing, budgets=budgets, prices=Prices(bus)),
            of_tools=PlatformLimits(leasing, partial(limits_of, database)),
        )
