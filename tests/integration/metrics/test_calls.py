from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from metrics.prices.price_book import VERSION
from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    GET_CALL,
    INGEST,
    LIST_CALLS,
    Call,
    CallQuestion,
    CallRecord,
    CallsQuestion,
    CallStatus,
    Usage,
)
from shared.contracts.prices import UnpricedReason
from shared.errors import CallNotFoundError, InvalidError
from shared.ids import new_id

from .conftest import Superuser
from .records import (
    NOON,
    batch,
    call,
    failed_call,
    message,
    random_call,
    seeded,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]

ACTOR = Actor(kind="api_key", id="key-1")


def as_counted(found: Call, record: CallRecord) -> Call:
    """Return *record* as a call that was counted like *found*."""
    return Call(
        **dict(record),
        recorded_at=found.recorded_at,
        cost_usd=found.cost_usd,
        price_version=found.price_version,
        unpriced_reason=found.unpriced_reason,
    )


async def test_a_call_reads_as_it_was_counted(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = failed_call()
    await runner.ask(INGEST, batch(new_id(), [record]))

    found = await gateway.ask(
        GET_CALL,
        CallQuestion(org_id=record.org_id, actor=ACTOR, call_id=record.call_id),
    )

    assert found == as_counted(found, record)


async def test_a_call_of_which_little_is_known_reads_as_it_was_counted(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = CallRecord.model_validate(
        call().model_dump(
            exclude={
                "use_case",
                "message_id",
                "http_status",
                "duration_ms",
                "time_to_first_token_ms",
                "usage",
                "usage_source",
                "attempts",
            }
        )
        | {"status": CallStatus.INTERRUPTED}
    )
    await runner.ask(INGEST, batch(new_id(), [record]))

    found = await gateway.ask(
        GET_CALL,
        CallQuestion(org_id=record.org_id, actor=ACTOR, call_id=record.call_id),
    )

    assert found == as_counted(found, record)


@pytest.mark.parametrize(
    "call_id", [new_id(), UUID(int=0), UUID(int=2**128 - 1)], ids=["ours", "nil", "max"]
)
async def test_an_unknown_call_is_not_found(gateway: NatsBus, call_id: UUID) -> None:
    question = CallQuestion(org_id=new_id(), actor=ACTOR, call_id=call_id)

    with pytest.raises(CallNotFoundError):
        await gateway.ask(GET_CALL, question)


async def test_pages_of_calls_follow_one_another_newest_first(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    records = [
        call(org_id=org_id, started_at=NOON + timedelta(microseconds=each // 2))
        for each in range(7)
    ]
    mixed = [records[each] for each in (4, 0, 6, 2, 5, 1, 3)]
    await runner.ask(INGEST, batch(new_id(), [*mixed, call()]))
    pages, cursor = [], None

    for _ in range(3):
        page = await gateway.ask(
            LIST_CALLS,
            CallsQuestion(org_id=org_id, actor=ACTOR, limit=3, cursor=cursor),
        )
        pages.append([each.call_id for each in page.data])
        cursor = page.next_cursor

    newest_first = [each.call_id for each in reversed(records)]
    assert pages == [newest_first[:3], newest_first[3:6], newest_first[6:]]
    assert cursor is None


async def test_a_list_can_be_of_one_agent(runner: NatsBus, gateway: NatsBus) -> None:
    org_id, agent_id = new_id(), new_id()
    mine = call(org_id=org_id, agent_id=agent_id)
    await runner.ask(INGEST, batch(new_id(), [call(org_id=org_id), mine]))

    page = await gateway.ask(
        LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, agent_id=agent_id)
    )

    assert [each.call_id for each in page.data] == [mine.call_id]


@pytest.mark.parametrize("seed", range(3))
async def test_filters_choose_the_calls_that_have_all_of_it(
    runner: NatsBus, gateway: NatsBus, seed: int
) -> None:
    draw = seeded(seed)
    org_id = new_id()
    pools: dict[str, list[Any]] = {
        "agent_id": [new_id() for _ in range(3)],
        "agent_type_id": [new_id() for _ in range(2)],
        "provider_id": [new_id() for _ in range(2)],
        "model": ["gpt-5", "gpt-4o"],
        "request_id": ["request-1", "request-2" * 400],
    }
    records = [
        random_call(
            draw,
            org_id=org_id,
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
        since = draw.choice([None, draw.choice(records).started_at])
        until = draw.choice([None, draw.choice(records).started_at])
        status = draw.choice([None, *CallStatus])
        page = await gateway.ask(
            LIST_CALLS,
            CallsQuestion(
                org_id=org_id,
                actor=ACTOR,
                limit=200,
                status=status,
                since=since,
                until=until,
                **wanted,
            ),
        )

        expected = [
            each
            for each in records
            if all(getattr(each, name) == value for name, value in wanted.items())
            and status in {None, each.status}
            and (since is None or each.started_at >= since)
            and (until is None or each.started_at < until)
        ]
        expected.sort(key=lambda each: (each.started_at, each.call_id), reverse=True)
        assert [each.call_id for each in page.data] == [
            each.call_id for each in expected
        ]


async def test_failed_calls_are_found_by_their_code(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    failed = failed_call(org_id=org_id)
    unexplained = call(org_id=org_id, status=CallStatus.FAILED)
    records = [call(org_id=org_id), failed, unexplained]
    await runner.ask(INGEST, batch(new_id(), records))

    pages = [
        await gateway.ask(
            LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, code=code)
        )
        for code in ("RATE_LIMITED", "UNEXPLAINED", "TIMEOUT")
    ]

    assert [[each.call_id for each in page.data] for page in pages] == [
        [failed.call_id],
        [unexplained.call_id],
        [],
    ]


@pytest.mark.parametrize("days", [-4000, -2, -1, 0, 1, 2, 4000])
async def test_a_call_is_found_by_its_id_whatever_day_it_is_dated(
    runner: NatsBus, gateway: NatsBus, days: int
) -> None:
    record = call(started_at=datetime.now(UTC) + timedelta(days=days))
    await runner.ask(INGEST, batch(new_id(), [record]))

    found = await gateway.ask(
        GET_CALL,
        CallQuestion(org_id=record.org_id, actor=ACTOR, call_id=record.call_id),
    )

    assert found.started_at == record.started_at


async def test_a_call_tells_what_it_cost_and_by_which_prices(
    runner: NatsBus, gateway: NatsBus, superuser: Superuser
) -> None:
    org_id = new_id()
    tokens = Usage(
        input_tokens=7,
        cached_input_tokens=5,
        cache_write_5m_tokens=3,
        cache_write_1h_tokens=2,
        output_tokens=1,
        web_searches=1,
        service_tier="priority",
        speed="fast",
        inference_geo="us",
    )
    labels = {"team": "red", "none": ""}
    of_claude = {
        "org_id": org_id,
        "model": "claude-opus-5-5",
        "provider_type": ProviderType.ANTHROPIC,
    }
    priced = call(**of_claude, usage=tokens, labels=labels)
    unpriced = call(org_id=org_id, model="gpt-9-imaginary")
    await runner.ask(INGEST, batch(new_id(), [priced, unpriced]))

    page = await gateway.ask(LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR))

    found = {each.call_id: each for each in page.data}
    assert found[priced.call_id].usage == tokens
    assert found[priced.call_id].labels == labels
    assert found[priced.call_id].price_version == VERSION
    cost = await superuser.fetchval("SELECT cost FROM call WHERE cost IS NOT NULL")
    millionths = 7 * 8 + 5 * Decimal("0.4") + 3 * 10 + 2 * 16 + 1 * 40
    assert cost == millionths * Decimal("1.1") / 10**6 + Decimal("0.01")
    assert found[priced.call_id].cost_usd == cost
    assert found[unpriced.call_id].cost_usd is None
    assert found[unpriced.call_id].unpriced_reason == UnpricedReason.MODEL_UNKNOWN
    assert found[unpriced.call_id].price_version == VERSION


async def test_a_foreign_cursor_is_refused(gateway: NatsBus) -> None:
    question = CallsQuestion(org_id=new_id(), actor=ACTOR, cursor="page-2")

    with pytest.raises(InvalidError):
        await gateway.ask(LIST_CALLS, question)


async def test_one_organization_sees_nothing_of_another(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record, words = call(), message()
    await runner.ask(INGEST, batch(new_id(), [record, words]))
    stranger = new_id()

    page = await gateway.ask(LIST_CALLS, CallsQuestion(org_id=stranger, actor=ACTOR))
    with pytest.raises(CallNotFoundError):
        await gateway.ask(
            GET_CALL,
            CallQuestion(org_id=stranger, actor=ACTOR, call_id=record.call_id),
        )

    assert page.data == []


async def test_calls_are_found_by_a_model_of_any_length(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id, alike = new_id(), "m" * 70
    records = [
        call(org_id=org_id, model=model)
        for model in (f"{alike}a", f"{alike}b", "n" * 600)
    ]
    await runner.ask(INGEST, batch(new_id(), records))

    found = [
        await gateway.ask(
            LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, model=model)
        )
        for model in (f"{alike}a", "n" * 500, alike)
    ]

    assert [[each.call_id for each in page.data] for page in found] == [
        [records[0].call_id],
        [records[2].call_id],
        [],
    ]
