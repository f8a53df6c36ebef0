"""Tool calls as they are listed and found, within one organization."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.metrics import (
    GET_TOOL_CALL,
    INGEST,
    LIST_TOOL_CALLS,
    ToolCall,
    ToolCallQuestion,
    ToolCallRecord,
    ToolCallsQuestion,
    ToolCallStatus,
)
from shared.errors import InvalidError, ToolCallNotFoundError
from shared.ids import new_id
from shared.provider_errors.tool_failures import explained_tool_call

from .records import NOON, batch, seeded, tool_call

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]

ACTOR = Actor(kind="api_key", id="key-1")


async def listed(gateway: NatsBus, org_id: UUID, **wanted: Any) -> list[UUID]:
    question = ToolCallsQuestion(org_id=org_id, actor=ACTOR, limit=200, **wanted)
    page = await gateway.ask(LIST_TOOL_CALLS, question)
    return [each.tool_call_id for each in page.data]


def newest_first(records: list[ToolCallRecord]) -> list[UUID]:
    ordered = sorted(records, key=lambda each: (each.started_at, each.tool_call_id))
    return [each.tool_call_id for each in reversed(ordered)]


async def found(gateway: NatsBus, org_id: UUID, tool_call_id: UUID) -> ToolCall:
    return await gateway.ask(
        GET_TOOL_CALL,
        ToolCallQuestion(org_id=org_id, actor=ACTOR, tool_call_id=tool_call_id),
    )


async def test_a_tool_call_reads_as_it_was_counted_with_its_explanation(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = tool_call()
    await runner.ask(INGEST, batch(new_id(), [record]))

    read = await found(gateway, record.org_id, record.tool_call_id)

    assert record.code is not None
    assert read.model_dump(include=set(ToolCallRecord.model_fields)) == (
        record.model_dump()
    )
    assert read.explanation == explained_tool_call(record.code)


async def test_a_tool_call_that_came_twice_is_listed_once(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = tool_call(status=ToolCallStatus.COMPLETED, code=None)
    await runner.ask(INGEST, batch(new_id(), [record, record]))
    await runner.ask(INGEST, batch(new_id(), [record]))

    page = await gateway.ask(
        LIST_TOOL_CALLS, ToolCallsQuestion(org_id=record.org_id, actor=ACTOR)
    )

    assert [each.tool_call_id for each in page.data] == [record.tool_call_id]
    assert page.data[0].explanation is None


async def test_a_tool_call_of_another_organization_is_not_there(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = tool_call()
    await runner.ask(INGEST, batch(new_id(), [record]))

    with pytest.raises(ToolCallNotFoundError):
        await found(gateway, new_id(), record.tool_call_id)
    assert await listed(gateway, new_id(), agent_id=record.agent_id) == []


async def test_pages_of_tool_calls_follow_one_another_newest_first(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    records = [
        tool_call(org_id=org_id, started_at=NOON + timedelta(microseconds=each // 2))
        for each in range(7)
    ]
    await runner.ask(INGEST, batch(new_id(), [*records, tool_call()]))
    pages, cursor = [], None

    for _ in range(3):
        page = await gateway.ask(
            LIST_TOOL_CALLS,
            ToolCallsQuestion(org_id=org_id, actor=ACTOR, limit=3, cursor=cursor),
        )
        pages.append([each.tool_call_id for each in page.data])
        cursor = page.next_cursor

    expected = newest_first(records)
    assert pages == [expected[:3], expected[3:6], expected[6:]]
    assert cursor is None


async def test_a_foreign_cursor_is_refused(gateway: NatsBus) -> None:
    with pytest.raises(InvalidError):
        await listed(gateway, new_id(), cursor="page-2")


async def test_filters_choose_the_tool_calls_that_have_all_of_it(
    runner: NatsBus, gateway: NatsBus
) -> None:
    draw = seeded(1)
    org_id = new_id()
    pools: dict[str, list[Any]] = {
        "agent_id": [new_id() for _ in range(3)],
        "agent_type_id": [new_id() for _ in range(2)],
        "message_id": [new_id() for _ in range(4)],
        "tool": ["http_request", "current_time", "tickets__" + "x" * 1_000],
        "status": [*ToolCallStatus],
        "code": ["TOOL_FAILED", "TOOL_TIMED_OUT", None],
    }
    records = [
        tool_call(
            org_id=org_id,
            started_at=NOON + timedelta(seconds=draw.randrange(90)),
            **{name: draw.choice(each) for name, each in pools.items()},
        )
        for _ in range(150)
    ]
    await runner.ask(INGEST, batch(new_id(), records))

    for _ in range(40):
        wanted = {
            name: draw.choice(each)
            for name, each in pools.items()
            if draw.random() < 0.3
        }
        wanted = {name: value for name, value in wanted.items() if value is not None}
        since = draw.choice([None, draw.choice(records).started_at])
        until = draw.choice([None, draw.choice(records).started_at])

        seen = await listed(gateway, org_id, since=since, until=until, **wanted)

        assert seen == newest_first(
            [
                each
                for each in records
                if all(getattr(each, name) == value for name, value in wanted.items())
                and (since is None or each.started_at >= since)
                and (until is None or each.started_at < until)
            ]
        )
