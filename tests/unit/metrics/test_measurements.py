"""What Prometheus is told of what was counted."""

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.counting.measurements import MODELS_AT_MOST, OTHER, Measurements
from metrics.measured import answering_prometheus
from metrics.prices.pricing import PricedCall
from metrics.repositories.ledger import Entry
from shared.contracts.base import Explanation
from shared.contracts.metrics import AttemptRecord, CallRecord, CallStatus, Usage
from shared.gen_ai import OTHER_OPERATION
from shared.ids import new_id

from .fakes import FakeLedgerRepository
from .records import NOON, batch, call, message, tool_call

GPT = (("gen_ai_provider_name", "openai"), ("gen_ai_request_model", "gpt-5"))


@pytest.fixture
def measurements() -> Measurements:
    return Measurements()


def samples(measurements: Measurements) -> dict[tuple[Any, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(measurements.text().decode())
        for sample in family.samples
    }


def entry(record: CallRecord, cost: Decimal | None = None) -> Entry:
    return Entry(1, "", record, PricedCall(cost, "book"))


def attempt(model: str) -> AttemptRecord:
    return AttemptRecord(
        attempt_id=new_id(),
        provider_id=new_id(),
        model=model,
        started_at=NOON,
        duration_ms=1,
    )


def test_a_call_is_told_by_tokens_times_and_cost(measurements: Measurements) -> None:
    record = call(
        duration_ms=2500,
        time_to_first_token_ms=300,
        usage=Usage(input_tokens=7, output_tokens=5),
    )

    measurements.count([entry(record, Decimal("0.25"))])

    found = samples(measurements)
    assert found["ag2trust_calls_total", *GPT, ("status", "completed")] == 1
    assert found["ag2trust_tokens_total", *GPT, ("kind", "input")] == 7
    assert found["ag2trust_tokens_total", *GPT, ("kind", "output")] == 5
    assert found["ag2trust_cost_usd_total", *GPT] == 0.25
    which = (("gen_ai_operation_name", "chat"), *GPT)
    assert found["gen_ai_client_operation_duration_seconds_sum", *which] == 2.5
    first = "gen_ai_client_operation_time_to_first_chunk_seconds_sum"
    assert found[first, *which] == pytest.approx(0.3)


def test_what_was_cached_is_input_of_a_call(measurements: Measurements) -> None:
    usage = Usage(
        input_tokens=7,
        cached_input_tokens=100,
        cache_write_5m_tokens=20,
        cache_write_1h_tokens=3,
        output_tokens=5,
        reasoning_tokens=4,
    )

    measurements.count([entry(call(usage=usage))])

    found = samples(measurements)
    which = (("gen_ai_operation_name", "chat"), *GPT)
    told = "gen_ai_client_token_usage_sum"
    assert found[told, *which, ("gen_ai_token_type", "input")] == 130
    assert found[told, *which, ("gen_ai_token_type", "output")] == 5


def test_an_endpoint_of_any_name_is_an_operation_of_the_list(
    measurements: Measurements,
) -> None:
    for number in range(1_000):
        measurements.count([entry(call(endpoint=f"invented-{number}", duration_ms=1))])

    operations = {
        value
        for key in samples(measurements)
        for name, value in key[1:]
        if name == "gen_ai_operation_name"
    }
    assert operations == {OTHER_OPERATION}


def test_calls_of_many_runners_add_up_over_several_services() -> None:
    services = [Measurements(), Measurements()]
    for number in range(60):
        record = call(
            runner=f"runner-{number % 3}",
            usage=Usage(input_tokens=number, output_tokens=1),
        )
        services[number % 2].count([entry(record, Decimal("0.5"))])

    sums = [samples(each) for each in services]

    def summed(*key: object) -> float:
        return sum(each[key] for each in sums)

    assert summed("ag2trust_calls_total", *GPT, ("status", "completed")) == 60
    assert summed("ag2trust_tokens_total", *GPT, ("kind", "input")) == sum(range(60))
    assert summed("ag2trust_cost_usd_total", *GPT) == 30
    assert not any("runner" in str(key) for each in sums for key in each)


def test_a_failure_is_told_by_its_code_and_a_move_to_another_as_failover(
    measurements: Measurements,
) -> None:
    explanation = Explanation(
        code="PROVIDER_RATE_LIMITED", message="", cause="", fix="", retryable=True
    )
    record = call(
        status=CallStatus.FAILED,
        explanation=explanation,
        attempts=[attempt("gpt-5"), attempt("gpt-4.1")],
    )

    measurements.count([entry(record)])

    found = samples(measurements)
    code = ("error_type", "PROVIDER_RATE_LIMITED")
    assert found["ag2trust_call_errors_total", code, GPT[0]] == 1
    assert found["ag2trust_failovers_total",] == 1


@pytest.mark.parametrize("status", [CallStatus.COMPLETED, CallStatus.FAILED])
def test_however_many_models_are_named_few_have_series(
    measurements: Measurements, status: CallStatus
) -> None:
    for number in range(10_000):
        measurements.count([entry(call(model=f"invented-{number}", status=status))])

    calls = {
        key: value
        for key, value in samples(measurements).items()
        if key[0] == "ag2trust_calls_total"
    }
    assert len(calls) <= MODELS_AT_MOST + 1
    assert sum(calls.values()) == 10_000
    assert any(("gen_ai_request_model", OTHER) in key for key in calls)


async def test_a_batch_that_comes_again_is_measured_once(
    measurements: Measurements,
) -> None:
    ledger = Ledger(FakeLedgerRepository(), JustCounted(), measure=measurements.count)
    again = batch(call(), message(), tool_call())

    await ledger.ingest(again)
    await ledger.ingest(again)

    found = samples(measurements)
    assert found["ag2trust_calls_total", *GPT, ("status", "completed")] == 1
    assert found["ag2trust_messages_total", ("status", "completed")] == 1
    of_tool = (("status", "failed"), ("tool", "http_request"))
    assert found["ag2trust_tool_calls_total", *of_tool] == 1


async def test_prometheus_is_answered(measurements: Measurements) -> None:
    async with (
        answering_prometheus(measurements, host="127.0.0.1", port=0) as port,
        ClientSession(f"http://127.0.0.1:{port}") as prometheus,
        prometheus.get("/metrics") as told,
    ):
        text = await told.text()

    assert told.status == 200
    assert "# TYPE ag2trust_calls_total counter" in text


def test_a_tool_that_is_none_of_ours_is_other(measurements: Measurements) -> None:
    for number in range(1_000):
        record = tool_call(tool=f"invented-{number}")
        measurements.count([Entry(1, "", record, None)])

    counted = {
        key: value
        for key, value in samples(measurements).items()
        if key[0] == "ag2trust_tool_calls_total"
    }
    assert list(counted.values()) == [1_000]
    assert ("tool", OTHER) in next(iter(counted))
