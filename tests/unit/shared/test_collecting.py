"""A collector that is dead, slow or refusing costs spans, and nothing else."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.collector import Collector, collecting

from ag2trust.ports import free_port
from shared.collecting import telling_of_spans
from shared.contracts.base import Service
from shared.tracing import Kind, current, is_on, spanning


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    async with collecting() as standing_in:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", standing_in.endpoint)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        yield standing_in


@contextmanager
def step(number: int = 0) -> Iterator[None]:
    with spanning(
        f"step {number}", Kind.INTERNAL, parent=None, attributes={"number": number}
    ):
        yield


async def test_what_ended_just_before_the_end_is_told(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    async with telling_of_spans(Service.AGENT_RUNNER):
        with step(1):
            trace = current().context
    await collector.until_spans(1)

    [told] = collector.spans
    assert (told.service, told.name, told.parent_id) == (
        "ag2trust-agent-runner",
        "step 1",
        "",
    )
    assert trace is not None
    assert (told.trace_id, told.span_id) == (trace.trace_id, trace.span_id)


async def test_the_environment_names_service_and_sampler(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "acme")
    async with telling_of_spans(Service.GATEWAY):
        with step():
            pass
        await collector.until_spans(1)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with telling_of_spans(Service.GATEWAY):
        with step():
            pass

    assert [each.service for each in collector.spans] == ["acme"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
    ],
)
async def test_a_variable_turns_it_off_and_never_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    async with telling_of_spans(Service.GATEWAY):
        with step():
            pass
        assert not is_on()

    assert collector.asked == 0


async def test_work_goes_on_while_the_collector_does_not_answer(
    collector: Collector,
) -> None:
    collector.held = asyncio.Event()

    async with telling_of_spans(Service.GATEWAY):
        with step(1):
            pass
        await collector.until_asked()
        with step(2):
            pass

    assert not collector.held.is_set()  # both steps and the end came without it
    assert collector.spans == []


async def test_a_span_sent_as_it_ends_would_wait_for_the_collector(
    collector: Collector,
) -> None:
    """The control: without the queue, work waits."""
    collector.held = asyncio.Event()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    span = provider.get_tracer("control").start_span("step")

    ending = asyncio.create_task(asyncio.to_thread(span.end))
    await collector.until_asked()
    was_done = ending.done()
    collector.held.set()
    await ending

    assert not was_done
    assert [each.name for each in collector.spans] == ["step"]


@pytest.mark.parametrize(("places", "told"), [("5", 5), ("2048", 200)])
async def test_what_finds_no_place_in_the_queue_is_dropped(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, places: str, told: int
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", places)
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    collector.held = asyncio.Event()

    async with telling_of_spans(Service.GATEWAY):
        with step(-1):
            pass
        await collector.until_asked()  # with the first one; the queue is empty
        for number in range(200):
            with step(number):
                pass
        collector.held.set()
        await collector.until_spans(1 + told)

    assert len(collector.spans) == 1 + told


async def test_a_dead_collector_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")

    async with telling_of_spans(Service.GATEWAY):
        with step():
            pass
        assert is_on()


@pytest.mark.parametrize("status", [400, 503])
async def test_a_refusing_collector_is_none(collector: Collector, status: int) -> None:
    collector.status = status

    async with telling_of_spans(Service.GATEWAY):
        with step():
            pass
        await collector.until_asked()
        with step():
            pass

    assert collector.spans == []


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ("gateway.app, agent_runner.app, metrics.app, credentials.app", "[]"),
        ("shared.otlp", "['opentelemetry']"),
    ],
    ids=["services", "the SDK"],
)
def test_a_service_imports_nothing_of_opentelemetry(modules: str, told: str) -> None:
    program = f"import sys, {modules}\nprint([*{{'opentelemetry'}} & {{*sys.modules}}])"

    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == told
