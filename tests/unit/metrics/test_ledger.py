from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger, read_record, records_due
from metrics.prices.pricing import Override
from metrics.prices.rates import Rate, Rates
from metrics.repositories.ledger import DeadLetter
from shared.contracts.metrics import (
    Ingest,
    Ingested,
    IngestRecord,
    Record,
    Usage,
)
from shared.ids import new_id

from .fakes import FakeLedgerRepository, FakeSequence
from .records import ORGANIZATION, SPOOL, batch, call, message, tool_call


@pytest.fixture
def repository() -> FakeLedgerRepository:
    return FakeLedgerRepository()


@pytest.fixture
def ledger(repository: FakeLedgerRepository) -> Ledger:
    return Ledger(repository, JustCounted())


@pytest.mark.parametrize(
    ("given_", "due"),
    [
        ([], []),
        ([3, 4, 5], [3, 4, 5]),
        ([1, 2], []),
        ([1, 2, 3, 4], [3, 4]),
        ([4, 5], []),
        ([3, 5, 6], [3]),
        ([3, 3, 4, 3, 4, 5], [3, 4, 5]),
        ([4, 3], []),
    ],
)
def test_only_the_next_places_without_a_gap_are_due(
    given_: list[int], due: list[int]
) -> None:
    records = [DeadLetter(each, "", "") for each in given_]

    chosen = records_due(records, applied_through=2)

    assert [each.sequence for each in chosen] == due


@given(places=st.lists(st.integers(1, 40), max_size=60), after=st.integers(0, 30))
def test_whatever_comes_in_the_due_places_are_consecutive(
    places: list[int], after: int
) -> None:
    records = [DeadLetter(each, "", "") for each in places]

    chosen = [each.sequence for each in records_due(records, applied_through=after)]

    assert chosen == list(range(after + 1, after + 1 + len(chosen)))


@given(payload=st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_payload_is_too_strange_to_be_a_dead_letter(payload: str) -> None:
    read = read_record(IngestRecord(sequence=1, payload=payload))

    assert isinstance(read, DeadLetter)
    assert read.payload == payload


async def test_a_batch_is_counted_and_answered_with_its_last_place(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    records: list[Record] = [call(), message(), tool_call(), call()]

    answer = await ledger.ingest(batch(*records))

    assert answer == Ingested(applied_through=4)
    assert repository.sequences[SPOOL].counted == records


async def test_a_batch_that_comes_again_counts_nothing_more(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    again = batch(call(), call())
    await ledger.ingest(again)

    answer = await ledger.ingest(again)

    assert answer == Ingested(applied_through=2)
    assert len(repository.sequences[SPOOL].counted) == 2


async def test_of_an_overlapping_batch_only_the_new_part_counts(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    first, second, third = call(), call(), call()
    await ledger.ingest(batch(first, second))

    await ledger.ingest(batch(second, third, start=2))

    assert repository.sequences[SPOOL].counted == [first, second, third]


async def test_a_batch_behind_a_gap_counts_nothing(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    answer = await ledger.ingest(batch(call(), start=2))

    assert answer == Ingested(applied_through=0)
    assert repository.sequences[SPOOL] == FakeSequence()


async def test_an_empty_batch_asks_what_was_applied(ledger: Ledger) -> None:
    await ledger.ingest(batch(call(), call()))

    answer = await ledger.ingest(Ingest(source=SPOOL))

    assert answer == Ingested(applied_through=2)


async def test_a_record_that_cannot_be_read_is_kept_and_does_not_spoil_its_neighbours(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    before, after = call(), call()

    answer = await ledger.ingest(batch(before, "{nonsense", after))

    assert answer == Ingested(applied_through=3)
    assert repository.sequences[SPOOL].counted == [before, after]
    assert repository.sequences[SPOOL].buried == [
        DeadLetter(sequence=2, payload="{nonsense", reason="record: json_invalid")
    ]


async def test_a_record_that_cannot_be_stored_is_found_among_many(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    good = [call() for _ in range(100)]
    poison = call(duration_ms=-1)

    answer = await ledger.ingest(batch(*good[:37], poison, *good[37:]))

    assert answer == Ingested(applied_through=101)
    assert repository.sequences[SPOOL].counted == good
    assert repository.sequences[SPOOL].buried == [
        DeadLetter(
            sequence=38,
            payload=poison.model_dump_json(),
            reason="a duration is negative",
        )
    ]
    assert len(repository.sequences[SPOOL].batches) < 20


async def test_a_healthy_batch_is_counted_in_one_go(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    await ledger.ingest(batch(*(call() for _ in range(100))))

    assert repository.sequences[SPOOL].batches == [100]


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59Z", "9999-12-31T00:00:00Z"])
def test_a_time_that_no_clock_shows_cannot_be_counted(time: str) -> None:
    record = call().model_dump_json().replace("2026-01-01T12:00:00Z", time)

    read = read_record(IngestRecord(sequence=1, payload=record))

    assert read == DeadLetter(1, record, "time: out of range")


async def test_a_call_is_priced_when_it_is_counted(
    ledger: Ledger, repository: FakeLedgerRepository
) -> None:
    tokens = Usage(input_tokens=1_000_000, output_tokens=0)
    mine, theirs = call(usage=tokens), call(usage=tokens, org_id=new_id())
    override = Override(
        id=new_id(),
        version=1,
        org_id=ORGANIZATION,
        provider_type=mine.provider_type,
        model=mine.model,
        provider_id=None,
        effective_from=mine.started_at,
        effective_to=None,
        rates=Rates(input=Rate(Decimal("0.5"))),
    )
    repository.sequences[SPOOL] = FakeSequence(overrides=[override])

    await ledger.ingest(batch(mine, theirs))

    prices = repository.sequences[SPOOL].prices
    assert prices[mine.call_id].cost == Decimal("0.5")
    assert prices[theirs.call_id].cost == Decimal("1.25")


def test_a_record_that_could_not_be_told_of_is_not_counted() -> None:
    payload = call(model="m" * 70_000).model_dump_json()

    read = read_record(IngestRecord(sequence=1, payload=payload))

    assert read == DeadLetter(1, payload, "record: too_long")


def test_the_reason_of_a_dead_letter_quotes_no_label() -> None:
    payload = call().model_dump_json().replace('"labels":{', '"labels":{"hunter2":0', 1)

    read = read_record(IngestRecord(sequence=1, payload=payload))

    assert isinstance(read, DeadLetter)
    assert read.reason == "call.labels.*: string_type"


def test_the_reason_of_a_dead_letter_quotes_nothing_of_it() -> None:
    payload = '{"kind": "message", "message_id": "hunter2", "status": "s3cret\\u0000"}'

    read = read_record(IngestRecord(sequence=1, payload=payload))

    assert isinstance(read, DeadLetter)
    assert "message.message_id: uuid_parsing" in read.reason
    assert "message.status: enum" in read.reason
    assert "hunter2" not in read.reason
    assert "s3cret" not in read.reason
