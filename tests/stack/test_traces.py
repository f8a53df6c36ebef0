"""One trace from a request to the provider's answer, through every process between."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.collector import Collector, collecting

from ag2trust_sandbox import ErrorCode, ErrorDetail, Sandbox, Step, Usage

from .processes import descendants_of
from .whole import OWNER_KEY, Whole, new_place, running

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SENT = "POST /api/agents/{id}/messages"
ASKED = "agent_runner.v1.submit_message"
HANDLED = "invoke_agent"
CALLED = "model_call"
TRIED = "chat sandbox-echo"
CALLERS_SPAN = "00f067aa0ba902b7"
PROVIDER_KEY = f"sk-fake-{secrets.token_hex(16)}"
TYPED, TYPED_NAME = (f"canary-{it}-{secrets.token_hex(8)}" for it in ("said", "name"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as standing_in:
        yield standing_in


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traced(collector: Collector) -> AsyncIterator[Whole]:
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-collector-key=for-services-only",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_SERVICE_NAME": "acme",
    }
    with new_place() as place:
        async with running(place, "process", **told) as stack:
            yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(traced: Whole, sandbox: Sandbox) -> str:
    """Run an agent whose name and prompt people have typed; return its id."""
    ids = await traced.operator.running_agent(
        sandbox.base_url,
        PROVIDER_KEY,
        name=TYPED_NAME,
        system_prompt=f"canary-prompt {TYPED}",
    )
    agent_id: str = ids["agent_id"]
    return agent_id


def traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-{CALLERS_SPAN}-01"


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_one_trace_leads_from_a_request_to_the_provider(
    traced: Whole, collector: Collector, sandbox: Sandbox, agent: str
) -> None:
    trace_id = secrets.token_hex(16)
    sandbox.play(Step(usage=Usage(prompt_tokens=7, completion_tokens=3)))

    answer = await traced.operator.ask(
        "POST",
        f"/api/agents/{agent}/messages",
        {"content": "Hello?"},
        traceparent=traceparent(trace_id),
    )
    spans = await collector.until_told(
        SENT, ASKED, HANDLED, CALLED, TRIED, trace_id=trace_id
    )

    both = [
        each
        for each in collector.spans
        if (each.trace_id, each.name) == (trace_id, ASKED)
    ]
    [asking] = [each for each in both if each.kind == "CLIENT"]
    [answering] = [each for each in both if each.kind == "SERVER"]
    assert spans[SENT].parent_id == CALLERS_SPAN
    assert asking.parent_id == spans[SENT].span_id
    assert answering.parent_id == asking.span_id
    assert spans[HANDLED].parent_id == answering.span_id
    assert spans[CALLED].parent_id == spans[HANDLED].span_id
    assert spans[TRIED].parent_id == spans[CALLED].span_id
    assert [each.service for each in (spans[SENT], asking, answering)] == [
        "acme-gateway",
        "acme-gateway",
        "acme-agent-runner",
    ]
    assert spans[HANDLED].attributes["gen_ai.agent.id"] == agent
    told = spans[TRIED].attributes
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "sandbox-echo"
    assert told["gen_ai.usage.input_tokens"] == 7
    assert told["gen_ai.usage.output_tokens"] == 3
    assert answer.body["message_id"] == spans[CALLED].attributes["ag2trust.message.id"]


async def test_a_failed_call_says_in_its_trace_why(
    traced: Whole, collector: Collector, sandbox: Sandbox, agent: str
) -> None:
    trace_id = secrets.token_hex(16)
    sandbox.play(
        Step(
            status=400, error=ErrorDetail(code=ErrorCode.CONTEXT_LENGTH_EXCEEDED.value)
        )
    )

    await traced.operator.ask(
        "POST",
        f"/api/agents/{agent}/messages",
        {"content": "Hello?"},
        traceparent=traceparent(trace_id),
    )
    spans = await collector.until_told(HANDLED, TRIED, trace_id=trace_id)

    assert spans[TRIED].has_failed
    assert spans[TRIED].attributes["error.type"] == "CONTEXT_TOO_LONG"
    assert spans[HANDLED].attributes["error.type"] == "CONTEXT_TOO_LONG"


async def test_a_trace_holds_no_secret_and_nothing_that_people_have_typed(
    traced: Whole, collector: Collector, agent: str
) -> None:
    trace_id = secrets.token_hex(16)

    await traced.operator.ask(
        "POST",
        f"/api/agents/{agent}/messages",
        {"content": TYPED},
        traceparent=traceparent(trace_id),
    )
    await collector.until_told(HANDLED, TRIED, trace_id=trace_id)

    received = collector.received
    hidden = [TYPED, TYPED_NAME, "canary-", PROVIDER_KEY, OWNER_KEY, "You said"]
    assert not [each for each in hidden if each.encode() in received]
    assert agent.encode() in received  # so the search can find something


async def test_the_log_names_the_trace(traced: Whole, collector: Collector) -> None:
    trace_id = secrets.token_hex(16)

    await traced.operator.ask("GET", "/api/agents", traceparent=traceparent(trace_id))
    await collector.until_told("GET /api/agents", trace_id=trace_id)

    lines = [json.loads(line) for line in traced.place.logged("gateway").splitlines()]
    named = [line for line in lines if line.get("trace_id") == trace_id]
    assert [line["event"] for line in named] == ["request.answered"]
    assert any("trace_id" not in line for line in lines)


async def test_credentials_and_agents_are_told_of_no_collector(
    traced: Whole,
    agent: str,  # noqa: ARG001 - runs meanwhile
) -> None:
    runner = traced.place.pid_of("agent_runner")

    agents = descendants_of(runner)

    told = {
        name: b"for-services-only" in environment(traced.place.pid_of(name))
        for name in ("gateway", "metrics", "agent_runner", "credentials")
    }
    assert told == {
        "gateway": True,
        "metrics": True,
        "agent_runner": True,
        "credentials": False,
    }
    assert agents
    assert not [each for each in agents if b"OTEL_" in environment(each.pid)]
