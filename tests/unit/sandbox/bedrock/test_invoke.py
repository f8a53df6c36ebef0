import asyncio
import json
from contextlib import closing
from typing import Any

import pytest
from anthropic import (
    AnthropicBedrock,
    APIStatusError,
    AsyncAnthropicBedrock,
    RateLimitError,
)
from anthropic.types import MessageParam
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from ag2trust_sandbox import (
    EXAMPLE_KEY_PAIR,
    ErrorDetail,
    Fault,
    FinishReason,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

HELLO: MessageParam = {"role": "user", "content": "Hello!"}
DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"
CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
LLAMA = "meta.llama3-70b-instruct-v1:0"
TITAN = "amazon.titan-text-express-v1"
EMBED = "amazon.titan-embed-text-v2:0"
BODIES: dict[str, dict[str, Any]] = {
    CLAUDE: {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [HELLO],
    },
    LLAMA: {"prompt": "Hello!"},
    TITAN: {"inputText": "Hello!"},
    EMBED: {"inputText": "Hello!"},
}
CACHED = Usage(
    prompt_tokens=1000, completion_tokens=50, cached_tokens=600, cache_write_tokens=300
)
PREFIX = "x-amzn-bedrock-"


async def invoke(client: Any, model: str, **members: Any) -> dict[str, Any]:
    """Return the body, and in `headers` what Bedrock says of it."""

    def ask() -> dict[str, Any]:
        body = json.dumps({**BODIES[model], **members})
        answer = client.invoke_model(modelId=model, body=body)
        assert answer["contentType"] == "application/json"
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        bedrocks = {name.removeprefix(PREFIX): headers[name] for name in headers}
        return {**json.loads(answer["body"].read()), "headers": bedrocks}

    return await asyncio.to_thread(ask)


async def read_into(client: Any, model: str, chunks: list[dict[str, Any]]) -> None:
    """Append every chunk streamed, until the stream ends or breaks."""

    def ask() -> None:
        answer = client.invoke_model_with_response_stream(
            modelId=model, body=json.dumps(BODIES[model])
        )
        assert answer["contentType"] == "application/json"
        with closing(answer["body"]) as stream:
            chunks.extend(json.loads(event["chunk"]["bytes"]) for event in stream)

    await asyncio.to_thread(ask)


async def streamed(client: Any, model: str) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = []
    await read_into(client, model, chunks)
    return chunks


async def test_claude_answers_in_a_message(client: Any) -> None:
    answer = await invoke(client, CLAUDE)

    assert answer["content"] == [{"type": "text", "text": DEFAULT}]
    assert answer["id"].startswith("msg_bdrk_")
    assert answer["model"] == CLAUDE
    assert answer["usage"]["input_tokens"] == 2


async def test_claude_streams_its_events_without_pings(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day")))

    chunks = await streamed(client, CLAUDE)

    assert [chunk["type"] for chunk in chunks] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("version", [None, "bedrock-2020-01-01"])
async def test_claude_needs_a_version(client: Any, version: str | None) -> None:
    with pytest.raises(ClientError, match="#/anthropic_version: Input should be"):
        await invoke(client, CLAUDE, anthropic_version=version)


async def test_llama_generates(client: Any) -> None:
    answer = await invoke(client, LLAMA)

    assert {**answer, "headers": None} == {
        "generation": DEFAULT,
        "prompt_token_count": 2,
        "generation_token_count": 15,
        "stop_reason": "stop",
        "headers": None,
    }


async def test_llama_obeys_its_limit(client: Any) -> None:
    answer = await invoke(client, LLAMA, max_gen_len=2)

    assert answer["generation"] == "This is "
    assert answer["stop_reason"] == "length"


async def test_llama_counts_its_prompt_once_and_its_generation_cumulatively(
    client: Any, sandbox: Sandbox
) -> None:
    usage = Usage(prompt_tokens=7, completion_tokens=10)
    sandbox.play(Step(content=("a", "b", "c"), usage=usage))

    chunks = await streamed(client, LLAMA)

    assert [chunk["generation"] for chunk in chunks] == ["a", "b", "c", ""]
    assert [chunk["prompt_token_count"] for chunk in chunks] == [7, None, None, None]
    assert [chunk["generation_token_count"] for chunk in chunks] == [3, 6, 10, 10]
    assert [chunk["stop_reason"] for chunk in chunks] == [None, None, None, "stop"]


async def test_titan_answers_with_a_result(client: Any) -> None:
    answer = await invoke(client, TITAN)

    assert answer["inputTextTokenCount"] == 2
    assert answer["results"] == [
        {"tokenCount": 15, "outputText": DEFAULT, "completionReason": "FINISHED"}
    ]


async def test_titan_obeys_its_limit(client: Any) -> None:
    answer = await invoke(client, TITAN, textGenerationConfig={"maxTokenCount": 2})

    assert answer["results"][0]["outputText"] == "This is "
    assert answer["results"][0]["completionReason"] == "LENGTH"


async def test_titan_counts_its_output_in_the_last_chunk(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("a", "b"), finish_reason=FinishReason.CONTENT_FILTER))

    chunks = await streamed(client, TITAN)

    assert [chunk["outputText"] for chunk in chunks] == ["a", "b", ""]
    assert [chunk["totalOutputTextTokenCount"] for chunk in chunks] == [None, None, 1]
    assert chunks[-1]["completionReason"] == "CONTENT_FILTERED"


async def test_titan_embeds(client: Any) -> None:
    answer = await invoke(client, EMBED, dimensions=256)

    assert len(answer["embedding"]) == 256
    assert sum(value**2 for value in answer["embedding"]) == pytest.approx(1)
    assert answer["inputTextTokenCount"] == 2
    assert answer["headers"]["input-token-count"] == "2"


async def test_an_embedding_is_not_streamed(client: Any) -> None:
    with pytest.raises(ClientError, match="unsupported for response streaming"):
        await streamed(client, EMBED)


async def test_an_embedding_has_no_words(client: Any, sandbox: Sandbox) -> None:
    sandbox.play(Step(content="Good day."))

    with pytest.raises(ClientError, match="answers a chat"):
        await invoke(client, EMBED)


@pytest.mark.parametrize("model", [LLAMA, TITAN])
@pytest.mark.parametrize(
    "step",
    [Step(tool_calls=(ToolCall(name="add"),)), Step(thinking="Hm", content="So.")],
)
async def test_a_family_of_words_has_nothing_else(
    client: Any, sandbox: Sandbox, model: str, step: Step
) -> None:
    sandbox.play(step)

    with pytest.raises(ClientError, match="this family of models cannot"):
        await invoke(client, model)


@pytest.mark.parametrize("model", [CLAUDE, LLAMA, TITAN])
async def test_bedrock_counts_in_headers(
    client: Any, sandbox: Sandbox, model: str
) -> None:
    sandbox.play(Step(usage=CACHED, latency_seconds=0.01))

    headers = (await invoke(client, model))["headers"]

    assert headers["input-token-count"] == "100"
    assert headers["output-token-count"] == "50"
    assert headers["cache-read-input-token-count"] == "600"
    assert headers["cache-write-input-token-count"] == "300"
    assert headers["invocation-latency"] == "10"


@pytest.mark.parametrize("model", [CLAUDE, LLAMA, TITAN])
async def test_bedrock_counts_in_the_last_chunk(
    client: Any, sandbox: Sandbox, model: str
) -> None:
    sandbox.play(Step(usage=CACHED))

    *before, last = await streamed(client, model)

    assert last["amazon-bedrock-invocationMetrics"] == {
        "inputTokenCount": 100,
        "outputTokenCount": 50,
        "cacheReadInputTokenCount": 600,
        "cacheWriteInputTokenCount": 300,
        "invocationLatency": 0,
        "firstByteLatency": 0,
    }
    assert not [each for each in before if "amazon-bedrock-invocationMetrics" in each]


@pytest.mark.parametrize("model", [CLAUDE, LLAMA, TITAN])
@pytest.mark.parametrize("place", [UsagePlace.LAST_CHOICE, UsagePlace.NOWHERE])
async def test_bedrock_need_not_count(
    client: Any, sandbox: Sandbox, model: str, place: UsagePlace
) -> None:
    sandbox.play(Step(usage_place=place, repeat=2))

    headers = (await invoke(client, model))["headers"]
    chunks = await streamed(client, model)

    assert "input-token-count" not in headers
    assert "amazon-bedrock-invocationMetrics" not in chunks[-1]


async def test_a_family_need_not_count_either(client: Any, sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE, repeat=4))

    claude = await invoke(client, CLAUDE)
    llama = await invoke(client, LLAMA)
    titan = await invoke(client, TITAN)
    embedding = await invoke(client, EMBED)

    assert "usage" not in claude
    assert llama["prompt_token_count"] is llama["generation_token_count"] is None
    assert titan["inputTextTokenCount"] is titan["results"][0]["tokenCount"] is None
    assert embedding["inputTextTokenCount"] is None


@pytest.mark.parametrize(("model", "count"), [(CLAUDE, 5), (LLAMA, 2), (TITAN, 2)])
async def test_a_stream_can_be_cut_where_its_usage_was_due(
    client: Any, sandbox: Sandbox, model: str, count: int
) -> None:
    sandbox.play(Step(content=("a", "b"), fault=Fault.CUT_BEFORE_USAGE))
    chunks: list[dict[str, Any]] = []

    with pytest.raises(ProtocolError):
        await read_into(client, model, chunks)

    assert len(chunks) == count


async def test_an_exception_in_the_stream_is_raised_by_the_client(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            error=ErrorDetail(type="ModelTimeoutException"),
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=1,
        )
    )
    chunks: list[dict[str, Any]] = []

    with pytest.raises(EventStreamError) as failure:
        await read_into(client, CLAUDE, chunks)

    assert len(chunks) == 1
    assert failure.value.response["Error"]["Code"] == "modelTimeoutException"


async def test_an_error_takes_the_place_of_a_stream(
    client: Any, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=424))

    with pytest.raises(client.exceptions.ModelErrorException):
        await streamed(client, CLAUDE)


async def test_anthropics_own_client_is_answered_synchronously(
    sandbox: Sandbox,
) -> None:
    def ask_both_ways() -> tuple[str, str]:
        with AnthropicBedrock(
            base_url=sandbox.bedrock_endpoint_url,
            aws_access_key=EXAMPLE_KEY_PAIR.access_key_id,
            aws_secret_key=EXAMPLE_KEY_PAIR.secret_access_key,
            aws_region="us-east-1",
        ) as client:
            whole = client.messages.create(
                model=CLAUDE, max_tokens=100, messages=[HELLO]
            )
            with client.messages.stream(
                model=CLAUDE, max_tokens=100, messages=[HELLO]
            ) as stream:
                block = whole.content[0]
                assert block.type == "text"
                return block.text, stream.get_final_text()

    assert await asyncio.to_thread(ask_both_ways) == (DEFAULT, DEFAULT)
    assert {request.headers["authorization"][:6] for request in sandbox.requests} == {
        "AWS4-H"
    }


async def test_anthropics_own_client_is_answered_asynchronously(
    sandbox: Sandbox,
) -> None:
    sandbox.play(Step(tool_calls=(ToolCall(name="add", arguments='{"a": 1}'),)))

    async with (
        AsyncAnthropicBedrock(
            base_url=sandbox.bedrock_endpoint_url,
            api_key="any",
            aws_region="us-east-1",
        ) as client,
        client.messages.stream(
            model=CLAUDE, max_tokens=100, messages=[HELLO]
        ) as stream,
    ):
        answer = await stream.get_final_message()

    [call] = answer.content
    assert call.type == "tool_use"
    assert call.input == {"a": 1}
    assert answer.stop_reason == "tool_use"


async def test_anthropics_own_client_raises_and_retries(sandbox: Sandbox) -> None:
    sandbox.play(Step(status=429, headers={"retry-after-ms": "1"}, repeat=2))

    async with AsyncAnthropicBedrock(
        base_url=sandbox.bedrock_endpoint_url,
        api_key="any",
        aws_region="us-east-1",
        max_retries=1,
    ) as client:
        with pytest.raises(RateLimitError):
            await client.messages.create(model=CLAUDE, max_tokens=100, messages=[HELLO])

    assert [
        request.headers["x-stainless-retry-count"] for request in sandbox.requests
    ] == ["0", "1"]


async def test_anthropics_own_client_raises_an_exception_in_the_stream(
    sandbox: Sandbox,
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD))

    async with AsyncAnthropicBedrock(
        base_url=sandbox.bedrock_endpoint_url, api_key="any", aws_region="us-east-1"
    ) as client:
        with pytest.raises(APIStatusError) as failure:
            async with client.messages.stream(
                model=CLAUDE, max_tokens=100, messages=[HELLO]
            ) as stream:
                await stream.get_final_message()

    assert "internalServerException" in failure.value.message
