from datetime import timedelta

import pytest

from metrics.reads import Reads
from shared.contracts.base import Actor
from shared.contracts.metrics import CallQuestion, CallsQuestion
from shared.contracts.usage import AgentStatsQuestion
from shared.errors import CallNotFoundError, InvalidError
from shared.ids import new_id

from .fakes import FakeReads, counted
from .records import AGENT, NOON, ORGANIZATION, call

ACTOR = Actor(kind="api_key", id="key-1")


async def test_statistics_are_of_the_agent_and_the_period_that_were_asked_for() -> None:
    until = NOON + timedelta(hours=1)

    stats = await Reads(FakeReads([counted(call())])).agent_stats(
        AgentStatsQuestion(
            org_id=ORGANIZATION, actor=ACTOR, agent_id=AGENT, since=NOON, until=until
        )
    )

    assert (stats.agent_id, stats.since, stats.until) == (AGENT, NOON, until)
    assert stats.calls == 1


async def test_pages_follow_one_another_to_the_end() -> None:
    calls = [counted(call()) for _ in range(5)][::-1]
    reads = Reads(FakeReads(calls))
    seen, cursor = [], None

    for _ in range(3):
        page = await reads.list_calls(
            CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, limit=2, cursor=cursor)
        )
        seen += page.data
        cursor = page.next_cursor

    assert seen == calls
    assert cursor is None


async def test_a_list_can_be_of_one_agent() -> None:
    mine, other = counted(call()), counted(call(agent_id=new_id()))

    page = await Reads(FakeReads([other, mine])).list_calls(
        CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, agent_id=AGENT)
    )

    assert page.data == [mine]


async def test_a_foreign_cursor_is_refused() -> None:
    with pytest.raises(InvalidError):
        await Reads(FakeReads()).list_calls(
            CallsQuestion(org_id=ORGANIZATION, actor=ACTOR, cursor="page-2")
        )


async def test_a_call_is_found_by_its_id() -> None:
    wanted = counted(call())

    found = await Reads(FakeReads([counted(call()), wanted])).get_call(
        CallQuestion(org_id=ORGANIZATION, actor=ACTOR, call_id=wanted.call_id)
    )

    assert found == wanted


async def test_a_call_of_another_organization_is_not_found() -> None:
    elsewhere = counted(call(org_id=new_id()))

    with pytest.raises(CallNotFoundError):
        await Reads(FakeReads([elsewhere])).get_call(
            CallQuestion(org_id=ORGANIZATION, actor=ACTOR, call_id=elsewhere.call_id)
        )
