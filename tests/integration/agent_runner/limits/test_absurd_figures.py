"""Figures that no honest call has, on a real PostgreSQL: they stop no other limit."""

from collections.abc import AsyncIterator

import pytest

from ag2trust.testing import Stack
from agent_runner.limits.exchange import Asked, Wish
from agent_runner.limits.limit import LimitKind
from agent_runner.limits.shares import Settlement
from agent_runner.repositories.limit_shares import ShareRepository
from shared.ids import new_id

from .record import SharedRecord, limit, open_record

ABSURD = 10**19  # more than a bigint has
BUDGET = limit(None, LimitKind.BUDGET)


@pytest.fixture
async def record(stack: Stack) -> AsyncIterator[SharedRecord]:
    async with open_record(stack) as opened:
        yield opened


async def spend(repository: ShareRepository, units: int) -> None:
    share_id = new_id()
    spent = Settlement(share_id, BUDGET.key, units, 0.0, is_final=True)
    await repository.exchange(Asked(settled=[], wanted=[Wish(share_id, BUDGET, 1)]))
    await repository.exchange(Asked(settled=[spent], wanted=[]))


async def test_a_call_may_have_used_more_than_can_be_counted(
    record: SharedRecord,
) -> None:
    await spend(record.repository("one"), ABSURD)


async def test_what_can_be_counted_no_more_stays_at_the_most(
    record: SharedRecord,
) -> None:
    repository = record.repository("one")
    await spend(repository, 1)
    async with record.database.sweep() as transaction:
        await transaction.execute("UPDATE limit_window SET settled = 9 * 1e18")

    await spend(repository, 10**18)


async def test_more_may_be_leased_ahead_than_can_be_counted(
    record: SharedRecord,
) -> None:
    wish = Wish(new_id(), limit(None, LimitKind.TOKENS), 10**15, extra=ABSURD)

    told = await record.repository("one").exchange(Asked(settled=[], wanted=[wish]))

    assert told.granted[0].is_whole
