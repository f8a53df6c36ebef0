import asyncio
import json
from contextlib import closing
from typing import Any

import pytest
from aiohttp import ClientSession
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from ag2trust_sandbox import (
    ErrorDetail,
    Fault,
    FinishReason,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

from .aws import runtime

MODEL = "us.anthropic.claude-opus-5-5"
HELLO = {"role": "user", "content": [{"text": "Hello!"}]}
DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"
CACHED = Usage(
    prompt_tokens=1000,
    completion_tokens=50,
    cached_tokens=600,
    cache_write_tokens=300,
    long_cache_write_tokens=100,
)
TWO_WORDS = [
    "messageStart",
    "contentBlockDelta",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
]


async def ask(client: Any, **options: Any) -> dict[str, Any]:
    def converse() -> dict[str, Any]:
        answer: dict[str, Any] = client.converse(
            modelId=MODEL, messages=[HELLO], **options
        )
        return answer

    return await asyncio.to_thread(converse)


async def read_into(
    client: Any, events: list[dict[str, Any]], model: str = MODEL
) -> None:
    """Append every event streamed, until the stream ends or breaks."""

    def converse() -> None:
        answer = client.converse_stream(modelId=model, messages=[HELLO])
        with closing(answer["stream"]) as stream:
            events.extend(stream)

    await asyncio.to_thread(converse)


async def streamed(client: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    await read_into(client, events)
    return events


def names(events: list[dict[str, Any]]) -> list[str]:
    return [name for event in events for name in event]


async def test_the_default_answer_says_that_it_is_no_model(client: Any) -> None:
    answer = await ask(client)

    assert answer["output"]["message"] == {
        "role": "assistant",
        "content": [{"text": DEFAULT}],
    }
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["inputTokens"] == 2
    assert answer["usage"]["outputTokens"] == 15
    assert answer["usage"]["totalTokens"] == 17
    assert answer["metrics"] == {"latencyMs": 0}


async def test_every_text_of_the_request_is_counted(client: Any) -> None:
    result = {"toolUseId": "t", "content": [{"text": "Five."}, {"json": {"a": 1}}]}
    call = {"toolUseId": "t", "name": "add", "input": {}}

    answer = await asyncio.to_thread(
        lambda: client.converse(
            modelId=MODEL,
            system=[{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
            messages=[
                HELLO,
                {"role": "assistant", "content": [{"toolUse": call}]},
                {"role": "user", "content": [{"toolResult": result}]},
            ],
        )
    )

    [block] = answer["output"]["message"]["content"]
    assert block["text"].endswith("You said: Five.")
    assert answer["usage"]["inputTokens"] == 3 + 2 + 0 + 2


async def test_an_image_counts_nothing(client: Any) -> None:
    image = {"image": {"format": "png", "source": {"bytes": b"\0"}}}
    content = [image, {"text": "Hello!"}]

    answer = await asyncio.to_thread(
        lambda: client.converse(
            modelId=MODEL, messages=[{"role": "user", "content": content}]
        )
    )

    assert answer["output"]["message"]["content"] == [{"text": DEFAULT}]
    assert answer["usage"]["inputTokens"] == 2


async def test_scripted_usage_is_told_without_the_cache(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=CACHED, latency_seconds=0.01))

    answer = await ask(client)

    assert {**answer["usage"], "cacheDetails": None} == {
        "inputTokens": 100,
        "outputTokens": 50,
        "totalTokens": 1050,
        "cacheReadInputTokens": 600,
        "cacheWriteInputTokens": 300,
        "cacheDetails": None,
    }
    assert answer["metrics"] == {"latencyMs": 10}


@pytest.mark.parametrize(
    ("usage", "details"),
    [
        (
            CACHED,
            [{"ttl": "5m", "inputTokens": 200}, {"ttl": "1h", "inputTokens": 100}],
        ),
        (
            Usage(prompt_tokens=9, cache_write_tokens=9, short_cache_write_tokens=1),
            [{"ttl": "5m", "inputTokens": 1}],
        ),
        (
            Usage(prompt_tokens=9, cache_write_tokens=9, long_cache_write_tokens=None),
            [],
        ),
    ],
)
async def test_cache_writes_are_told_by_lifetime(
    sandbox: Sandbox, usage: Usage, details: list[dict[str, Any]]
) -> None:
    """Asked without boto3, whose older versions hide members they do not know."""
    sandbox.play(Step(usage=usage))

    async with (
        ClientSession(headers={"authorization": "Bearer any"}) as session,
        session.post(
            f"{sandbox.bedrock_endpoint_url}/model/m/converse",
            json={"messages": [HELLO]},
        ) as response,
    ):
        answer = await response.json()

    assert answer["usage"]["cacheDetails"] == details
    assert answer["serviceTier"] == {"type": "default"}


async def test_usage_can_be_nowhere(client: Any, sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE, repeat=2))

    answer = await ask(client)
    events = await streamed(client)

    assert "usage" not in answer
    assert "metadata" not in names(events)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.CONTENT_FILTER, "content_filtered"),
    ],
)
async def test_the_reason_is_told_in_words_of_bedrock(
    client: Any, sandbox: Sandbox, reason: FinishReason, told: str
) -> None:
    sandbox.play(Step(content="Good day.", finish_reason=reason, repeat=2))

    answer = await ask(client)
    events = await streamed(client)

    assert answer["stopReason"] == told
    assert {"messageStop": {"stopReason": told}} in events


async def test_the_default_answer_obeys_the_token_limit(client: Any) -> None:
    answer = await ask(client, inferenceConfig={"maxTokens": 2})

    assert answer["output"]["message"]["content"] == [{"text": "This is "}]
    assert answer["stopReason"] == "max_tokens"


async def test_tool_calls_are_answered(client: Any, sandbox: Sandbox) -> None:
    first = ToolCall(name="add", arguments='{"a": 1}')
    second = ToolCall(id="tooluse_2", name="sub")
    sandbox.play(Step(content="Two sums.", tool_calls=(first, second)))

    answer = await ask(client)

    text, add, sub = answer["output"]["message"]["content"]
    assert text == {"text": "Two sums."}
    assert add["toolUse"]["toolUseId"].startswith("tooluse_")
    assert (add["toolUse"]["name"], add["toolUse"]["input"]) == ("add", {"a": 1})
    assert sub == {"toolUse": {"toolUseId": "tooluse_2", "name": "sub", "input": {}}}
    assert answer["stopReason"] == "tool_use"


async def test_tool_calls_are_streamed_as_written(
    client: Any, sandbox: Sandbox
) -> None:
    call = ToolCall(id="tooluse_1", name="add", arguments='{"a": ')
    sandbox.play(Step(content="A sum.", tool_calls=(call,)))

    events = await streamed(client)

    start = {"toolUse": {"toolUseId": "tooluse_1", "name": "add"}}
    delta = {"toolUse": {"input": '{"a": '}}
    assert events[-6:-2] == [
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"start": start, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": delta, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
    ]


async def test_scripted_thinking_comes_first(client: Any, sandbox: Sandbox) -> None:
    sandbox.play(Step(thinking="I think", content="So.", repeat=2))

    answer = await ask(client)
    events = await streamed(client)

    thinking, text = answer["output"]["message"]["content"]
    assert thinking["reasoningContent"]["reasoningText"]["text"] == "I think"
    assert text == {"text": "So."}
    deltas = [
        each["contentBlockDelta"]["delta"]
        for each in events
        if "contentBlockDelta" in each
    ]
    assert [list(each) for each in deltas] == [["reasoningContent"]] * 3 + [["text"]]
    assert [list(each["reasoningContent"]) for each in deltas[:3]] == [
        ["text"],
        ["text"],
        ["signature"],
    ]


async def test_a_message_is_streamed_in_the_documented_events(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day"), usage=CACHED))

    events = await streamed(client)

    assert names(events) == TWO_WORDS
    assert events[0] == {"messageStart": {"role": "assistant"}}
    metadata = events[-1]["metadata"]
    assert metadata["usage"]["cacheReadInputTokens"] == 600
    assert metadata["usage"]["totalTokens"] == 1050
    assert metadata["metrics"] == {"latencyMs": 0}


@pytest.mark.parametrize("count", [0, 1, 3, 6, 99])
async def test_a_cut_stream_breaks_after_exactly_so_many_events(
    client: Any, sandbox: Sandbox, count: int
) -> None:
    sandbox.play(
        Step(content=("a", "b"), fault=Fault.CUT_AFTER_FRAMES, after_frames=count)
    )
    events: list[dict[str, Any]] = []

    with pytest.raises(ProtocolError):
        await read_into(client, events)

    assert names(events) == TWO_WORDS[:count]


async def test_a_stream_can_be_cut_where_its_usage_was_due(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("a", "b"), fault=Fault.CUT_BEFORE_USAGE))
    events: list[dict[str, Any]] = []

    with pytest.raises(ProtocolError):
        await read_into(client, events)

    assert names(events) == TWO_WORDS[:-1]


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        (None, "internalServerException"),
        (ErrorDetail(code="rate_limit_exceeded"), "throttlingException"),
        (ErrorDetail(code="server_is_overloaded"), "serviceUnavailableException"),
        (ErrorDetail(type="ModelStreamErrorException"), "modelStreamErrorException"),
    ],
)
async def test_an_exception_in_the_stream_is_raised_by_the_client(
    client: Any, sandbox: Sandbox, detail: ErrorDetail | None, code: str
) -> None:
    sandbox.play(
        Step(
            content=("a", "b"),
            error=detail,
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=2,
        )
    )
    events: list[dict[str, Any]] = []

    with pytest.raises(EventStreamError) as failure:
        await read_into(client, events)

    assert names(events) == TWO_WORDS[:2]
    assert failure.value.response["Error"]["Code"] == code
    assert failure.value.response["Error"]["Message"]


async def test_an_exception_in_a_stream_needs_one(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD))

    with pytest.raises(ClientError, match="but no stream was asked for") as failure:
        await ask(client)

    assert failure.value.response["Error"]["Code"] == "ValidationException"


async def test_a_malformed_frame_has_a_wrong_checksum(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.MALFORMED_FRAME, after_frames=1))
    events: list[dict[str, Any]] = []

    with pytest.raises(ChecksumMismatch):
        await read_into(client, events)

    assert names(events) == TWO_WORDS[:1]


async def test_a_stream_can_fall_silent(sandbox: Sandbox) -> None:
    sandbox.play(Step(fault=Fault.HANG, after_frames=2))
    events: list[dict[str, Any]] = []

    with (
        runtime(sandbox, read_timeout=0.5) as client,
        pytest.raises(ReadTimeoutError),
    ):
        await read_into(client, events)

    assert names(events) == TWO_WORDS[:2]


async def test_a_model_name_asks_for_a_cut(client: Any) -> None:
    events: list[dict[str, Any]] = []

    with pytest.raises(ProtocolError):
        await read_into(client, events, model="sandbox-cut")

    assert len(events) == 4


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "#/messages: Field required"),
        ({"messages": []}, "#/messages: Tuple should have at least 1 item"),
        ({"messages": [{"role": "user", "content": []}]}, "#/messages/0/content"),
        (
            {"messages": [HELLO], "inferenceConfig": {"maxTokens": 0}},
            "#/inferenceConfig/maxTokens: Input should be greater",
        ),
    ],
)
async def test_a_wrong_member_is_named(
    sandbox: Sandbox, body: dict[str, Any], problem: str
) -> None:
    """Asked without boto3, which would not send it."""
    async with (
        ClientSession(headers={"authorization": "Bearer any"}) as session,
        session.post(
            f"{sandbox.bedrock_endpoint_url}/model/m/converse", data=json.dumps(body)
        ) as response,
    ):
        answer = await response.json()

    assert response.status == 400
    assert response.headers["x-amzn-errortype"].startswith("ValidationException:")
    assert problem in answer["message"]
