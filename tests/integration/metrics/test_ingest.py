import asyncio

import pytest

from metrics.app import serving
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.metrics import INGEST, Ingest, Ingested, Usage
from shared.ids import new_id

from .conftest import Superuser, without_unique_calls
from .records import (
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

COUNT = """
SELECT
    (SELECT count(*) FROM call) AS calls,
    (SELECT coalesce(sum(jsonb_array_length(attempts)), 0) FROM call) AS attempts,
    (SELECT count(*) FROM message) AS messages,
    (SELECT count(*) FROM dead_letter) AS dead_letters
"""


async def counted(superuser: Superuser) -> dict[str, int]:
    [row] = await superuser.fetch(COUNT)
    return dict(row)


async def test_calls_attempts_and_messages_are_counted(
    runner: NatsBus, superuser: Superuser
) -> None:
    records: list[AnyRecord] = [call(), failed_call(), message(), call(attempts=[])]

    answer = await runner.ask(INGEST, batch(new_id(), records))

    assert answer == Ingested(applied_through=4)
    assert await counted(superuser) == {
        "calls": 3,
        "attempts": 3,
        "messages": 1,
        "dead_letters": 0,
    }


async def test_a_batch_that_comes_again_counts_nothing_more(
    runner: NatsBus, superuser: Superuser
) -> None:
    again = batch(new_id(), [call(), message(), call()])
    first = await runner.ask(INGEST, again)
    counted_first = await counted(superuser)

    second = await runner.ask(INGEST, again)

    assert first == second == Ingested(applied_through=3)
    assert await counted(superuser) == counted_first


async def test_of_overlapping_batches_each_record_counts_once(
    runner: NatsBus, superuser: Superuser
) -> None:
    source, records = new_id(), [call() for _ in range(30)]

    for start in range(0, 21, 5):
        await runner.ask(
            INGEST, batch(source, records[start : start + 10], start=start + 1)
        )

    assert (await counted(superuser))["calls"] == 30


async def test_what_lies_behind_a_gap_waits_for_what_is_missing(
    runner: NatsBus, superuser: Superuser
) -> None:
    source, records = new_id(), [call() for _ in range(4)]
    whole = batch(source, records)
    holed = Ingest(source=source, records=[whole.records[0], *whole.records[2:]])

    at_the_gap = await runner.ask(INGEST, holed)
    counted_at_the_gap = await counted(superuser)
    mended = await runner.ask(INGEST, whole)

    assert at_the_gap == Ingested(applied_through=1)
    assert counted_at_the_gap["calls"] == 1
    assert mended == Ingested(applied_through=4)
    assert (await counted(superuser))["calls"] == 4


async def test_a_new_source_begins_at_nothing(runner: NatsBus) -> None:
    assert await runner.ask(INGEST, Ingest(source=new_id())) == Ingested(
        applied_through=0
    )


async def test_sources_do_not_mind_one_another(
    runner: NatsBus, superuser: Superuser
) -> None:
    await runner.ask(INGEST, batch(new_id(), [call(), call()]))

    answer = await runner.ask(INGEST, batch(new_id(), [call()]))

    assert answer == Ingested(applied_through=1)
    assert (await counted(superuser))["calls"] == 3


async def test_batches_of_one_source_at_the_same_time_count_once(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    draw = seeded(5)
    source = new_id()
    records = [random_call(draw) for _ in range(200)]
    spans = [batch(source, records[:end]) for end in range(50, 201, 10)]
    draw.shuffle(spans)
    await without_unique_calls(superuser)

    async with serving(settings):  # a second process of the service, as it were
        answers = await asyncio.gather(*(runner.ask(INGEST, span) for span in spans))

    assert max(answer.applied_through for answer in answers) == 200
    assert await counted(superuser) == {
        "calls": 200,
        "attempts": sum(len(record.attempts) for record in records),
        "messages": 0,
        "dead_letters": 0,
    }


async def test_a_call_that_comes_under_a_second_place_counts_once(
    runner: NatsBus, superuser: Superuser
) -> None:
    repeated, other = call(), call()

    answer = await runner.ask(INGEST, batch(new_id(), [repeated, other, repeated]))
    elsewhere = await runner.ask(INGEST, batch(new_id(), [repeated]))

    assert answer == Ingested(applied_through=3)
    assert elsewhere == Ingested(applied_through=1)
    assert await counted(superuser) == {
        "calls": 2,
        "attempts": 2,
        "messages": 0,
        "dead_letters": 0,
    }


async def test_poison_in_the_middle_becomes_dead_letters_and_nothing_else(
    runner: NatsBus, superuser: Superuser
) -> None:
    draw = seeded(6)
    calls = [random_call(draw) for _ in range(20)]
    messages = [random_message(draw) for _ in range(20)]
    poison = [
        "",
        "{nonsense",
        "\0",
        '{"kind": "call"}',
        '{"kind": "\\u0000"}',
        '{"kind": "invoice"}',
        call().model_dump_json().replace('"labels":{', '"labels":{"\\u0000":0', 1),
        call(model="gpt\0five").model_dump_json(),
        call(duration_ms=-1).model_dump_json(),
        call(duration_ms=2**70).model_dump_json(),
        call(duration_ms=2 * 10**12).model_dump_json(),
        call(usage=Usage(output_tokens=2 * 10**12)).model_dump_json(),
        message(duration_ms=2 * 10**12).model_dump_json(),
        call(http_status=2**40).model_dump_json(),
        message(status="queued").model_dump_json(),
    ]
    mixed: list[AnyRecord | str] = [*calls, *messages, *poison]
    draw.shuffle(mixed)

    answer = await runner.ask(INGEST, batch(new_id(), mixed))

    assert answer == Ingested(applied_through=len(mixed))
    assert await counted(superuser) == {
        "calls": 20,
        "attempts": sum(len(each.attempts) for each in calls),
        "messages": 20,
        "dead_letters": len(poison),
    }


async def test_a_dead_letter_tells_its_place_its_payload_and_the_reason(
    runner: NatsBus, superuser: Superuser
) -> None:
    source = new_id()
    refused = call(duration_ms=-1).model_dump_json()

    await runner.ask(INGEST, batch(source, [call(), "\0{nonsense", refused]))

    unreadable, unstorable = await superuser.fetch(
        "SELECT source, sequence, payload, reason FROM dead_letter ORDER BY sequence"
    )
    assert tuple(unreadable) == (source, 2, b"\0{nonsense", "record: json_invalid")
    assert unstorable["sequence"] == 3
    assert unstorable["payload"] == refused.encode()
    assert "call_duration_ms_check" in unstorable["reason"]
