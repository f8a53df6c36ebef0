import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.metrics import (
    AGENT_STATS,
    GET_CALL,
    INGEST,
    LIST_CALLS,
    Call,
    CallQuestion,
    CallRecord,
    CallsQuestion,
    CallStatus,
    MessageRecord,
)
from shared.contracts.usage import AgentStats, AgentStatsQuestion
from shared.errors import CallNotFoundError, InvalidError
from shared.ids import new_id

from .records import (
    NOON,
    AnyRecord,
    batch,
    call,
    failed_call,
    message,
    random_call,
    random_message,
    seeded,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("metrics")]

ACTOR = Actor(kind="api_key", id="key-1")


def expected_figures(
    calls: Sequence[CallRecord],
    messages: Sequence[MessageRecord],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, float | None]:
    """Add up the long way, in plain Python."""
    calls = [each for each in calls if _within(each.started_at, since, until)]
    processed = [
        each
        for each in messages
        if each.status == "completed" and _within(each.finished_at, since, until)
    ]
    inputs = sum(each.usage.input_tokens or 0 for each in calls)
    cached = sum(each.usage.cached_input_tokens or 0 for each in calls)
    outputs = sum(each.usage.output_tokens or 0 for each in calls)
    errors = sum(each.status is CallStatus.FAILED for each in calls)
    times = _known(each.duration_ms for each in calls)
    return {
        "total_tokens": inputs + cached + outputs,
        "input_tokens": inputs,
        "output_tokens": outputs,
        "reasoning_tokens": sum(each.usage.reasoning_tokens or 0 for each in calls),
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "cached_input_tokens": cached,
        "average_response_time_ms": _mean(times),
        "p50_response_time_ms": _percentile(times, 0.5),
        "p95_response_time_ms": _percentile(times, 0.95),
        "average_time_to_first_token_ms": _mean(
            _known(each.time_to_first_token_ms for each in calls)
        ),
        "message_duration_ms": _mean(_known(each.duration_ms for each in processed)),
        "messages_processed": len(processed),
        "calls": len(calls),
        "errors": errors,
        "cancelled_calls": sum(each.status is CallStatus.CANCELLED for each in calls),
        "interrupted_calls": sum(
            each.status is CallStatus.INTERRUPTED for each in calls
        ),
        "cost_usd": None,
        "unpriced_calls": len(calls),
        "error_rate": errors / len(calls) if calls else None,
    }


def figures_of(stats: AgentStats) -> dict[str, float | None]:
    return stats.model_dump(exclude={"agent_id", "since", "until", "as_of"})


def _known(values: Iterable[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _within(time: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or time >= since) and (until is None or time < until)


def _mean(values: Sequence[int]) -> float | None:
    return statistics.fmean(values) if values else None


def _percentile(values: Sequence[int], fraction: float) -> float | None:
    """Interpolate between the neighbours of the place *fraction* of the way up."""
    if not values:
        return None
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (NOON - timedelta(hours=3), None),
        (None, NOON),
        (NOON - timedelta(hours=6), NOON + timedelta(hours=6)),
        (NOON, NOON),
    ],
)
async def test_statistics_are_what_plain_arithmetic_makes_of_the_records(
    runner: NatsBus,
    gateway: NatsBus,
    seed: int,
    since: datetime | None,
    until: datetime | None,
) -> None:
    draw = seeded(seed)
    org_id, agent_id = new_id(), new_id()
    mine = {"org_id": org_id, "agent_id": agent_id}
    calls = [random_call(draw, **mine) for _ in range(draw.randrange(1, 120))]
    messages = [random_message(draw, **mine) for _ in range(draw.randrange(40))]
    others: list[AnyRecord] = [
        random_call(draw, org_id=org_id),
        random_call(draw, agent_id=agent_id),
        random_message(draw, org_id=org_id),
        random_message(draw, agent_id=agent_id),
    ]
    await runner.ask(INGEST, batch(new_id(), [*calls, *messages, *others]))

    stats = await gateway.ask(
        AGENT_STATS, AgentStatsQuestion(actor=ACTOR, **mine, since=since, until=until)
    )

    assert (stats.agent_id, stats.since, stats.until) == (agent_id, since, until)
    assert figures_of(stats) == pytest.approx(
        expected_figures(calls, messages, since=since, until=until)
    )


async def test_an_agent_that_never_called_has_zeros_and_no_times(
    gateway: NatsBus,
) -> None:
    question = AgentStatsQuestion(org_id=new_id(), actor=ACTOR, agent_id=new_id())

    stats = await gateway.ask(AGENT_STATS, question)

    assert figures_of(stats) == expected_figures([], [])


async def test_a_call_reads_as_it_was_counted(
    runner: NatsBus, gateway: NatsBus
) -> None:
    record = failed_call()
    await runner.ask(INGEST, batch(new_id(), [record]))

    found = await gateway.ask(
        GET_CALL,
        CallQuestion(org_id=record.org_id, actor=ACTOR, call_id=record.call_id),
    )

    assert found == Call(**dict(record), recorded_at=found.recorded_at)


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

    assert found == Call(**dict(record), recorded_at=found.recorded_at)


async def test_an_unknown_call_is_not_found(gateway: NatsBus) -> None:
    question = CallQuestion(org_id=new_id(), actor=ACTOR, call_id=new_id())

    with pytest.raises(CallNotFoundError):
        await gateway.ask(GET_CALL, question)


async def test_pages_of_calls_follow_one_another_newest_first(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    records = [call(org_id=org_id) for _ in range(7)]
    await runner.ask(INGEST, batch(new_id(), [*records, call()]))
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

    stats = await gateway.ask(
        AGENT_STATS,
        AgentStatsQuestion(org_id=stranger, actor=ACTOR, agent_id=record.agent_id),
    )
    page = await gateway.ask(LIST_CALLS, CallsQuestion(org_id=stranger, actor=ACTOR))
    with pytest.raises(CallNotFoundError):
        await gateway.ask(
            GET_CALL,
            CallQuestion(org_id=stranger, actor=ACTOR, call_id=record.call_id),
        )

    assert (stats.calls, stats.total_tokens) == (0, 0)
    assert page.data == []
