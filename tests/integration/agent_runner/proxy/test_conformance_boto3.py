"""The official `boto3` client works through the proxy as it does without it."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import ProtocolError

from ag2trust_sandbox import Fault, Sandbox, Step, ToolCall, Usage

from .clients import CLAUDE, HELLO_BODY, PAIR, bedrock_client, bedrock_lease
from .conforming import ONE_PIXEL, played, seen
from .proxying import Proxy

LLAMA = "meta.llama3-70b-instruct-v1:0"
TITAN = "amazon.titan-text-express-v1"
EMBED = "amazon.titan-embed-text-v2:0"
USED = Usage(
    prompt_tokens=100, completion_tokens=7, cached_tokens=50, cache_write_tokens=20
)
SPOKEN = Step(content=("Good ", "day, ", "ä\u2028 😀"), usage=USED)
CALLED = Step(tool_calls=(ToolCall(name="weather", arguments='{"city":"Oslo"}'),))
HELLO: Any = {"role": "user", "content": [{"text": "Hi"}]}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {}}}}]}
PICTURE: Any = {
    "role": "user",
    "content": [
        {"image": {"format": "png", "source": {"bytes": base64.b64decode(ONE_PIXEL)}}},
        {"text": "What is this?"},
    ],
}
HISTORY: Any = [
    HELLO,
    {
        "role": "assistant",
        "content": [
            {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "O"}}}
        ],
    },
    {
        "role": "user",
        "content": [
            {"toolResult": {"toolUseId": "t1", "content": [{"text": "Rain."}]}}
        ],
    },
]


def converse(client: Any, *messages: Any, **more: Any) -> Any:
    return client.converse(modelId=CLAUDE, messages=messages or [HELLO], **more)


def converse_stream(client: Any, **more: Any) -> Any:
    answer = client.converse_stream(modelId=CLAUDE, messages=[HELLO], **more)
    with closing(answer["stream"]) as stream:
        return list(stream)


def invoke(client: Any, model: str, body: dict[str, Any]) -> Any:
    answer = client.invoke_model(modelId=model, body=json.dumps(body))
    fields = answer["ResponseMetadata"]["HTTPHeaders"]
    counts = {name: fields[name] for name in fields if name.endswith("-count")}
    return [json.loads(answer["body"].read()), counts, answer["contentType"]]


def invoke_stream(client: Any, model: str, body: dict[str, Any]) -> Any:
    answer = client.invoke_model_with_response_stream(
        modelId=model, body=json.dumps(body)
    )
    with closing(answer["body"]) as stream:
        return [json.loads(event["chunk"]["bytes"]) for event in stream]


SCENARIOS: dict[str, tuple[Callable[[Any], Any], Step]] = {
    "converse": (converse, SPOKEN),
    "converse stream": (converse_stream, SPOKEN),
    "tool use": (lambda client: converse(client, toolConfig=TOOLS), CALLED),
    "tool use in a stream": (
        lambda client: converse_stream(client, toolConfig=TOOLS),
        CALLED,
    ),
    "history": (lambda client: converse(client, *HISTORY), SPOKEN),
    "picture": (lambda client: converse(client, PICTURE), SPOKEN),
    "invoke claude": (lambda client: invoke(client, CLAUDE, HELLO_BODY), SPOKEN),
    "invoke claude, streamed": (
        lambda client: invoke_stream(client, CLAUDE, HELLO_BODY),
        SPOKEN,
    ),
    "invoke llama": (lambda client: invoke(client, LLAMA, {"prompt": "Hi"}), SPOKEN),
    "invoke llama, streamed": (
        lambda client: invoke_stream(client, LLAMA, {"prompt": "Hi"}),
        SPOKEN,
    ),
    "invoke titan, streamed": (
        lambda client: invoke_stream(client, TITAN, {"inputText": "Hi"}),
        SPOKEN,
    ),
    "embed": (lambda client: invoke(client, EMBED, {"inputText": "Hi"}), Step()),
}


@pytest.fixture(autouse=True)
def speaks_bedrock(proxy: Proxy, sandbox: Sandbox) -> None:
    proxy.move_to(bedrock_lease(sandbox))
    proxy.allow(CLAUDE, LLAMA, TITAN, EMBED)


@pytest.fixture
def through_us(proxy: Proxy) -> Iterator[Any]:
    with bedrock_client(proxy) as opened:
        yield opened


@pytest.fixture
def direct(sandbox: Sandbox) -> Iterator[Any]:
    client = boto3.Session().client(
        "bedrock-runtime",
        endpoint_url=sandbox.bedrock_endpoint_url,
        region_name="us-east-1",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        **PAIR,
    )
    yield client
    client.close()


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_client_sees_what_it_sees_without_us(
    sandbox: Sandbox, direct: Any, through_us: Any, name: str
) -> None:
    scenario, step = SCENARIOS[name]

    expected, got = await played(sandbox, scenario, step, direct, through_us)

    assert got == expected


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_provider_sees_the_request_it_would_see_without_us(
    sandbox: Sandbox, direct: Any, through_us: Any, name: str
) -> None:
    scenario, step = SCENARIOS[name]

    await played(sandbox, scenario, step, direct, through_us)

    expected, got = sandbox.requests
    assert got.body == expected.body
    assert got.path == expected.path
    differ = {
        "accept-encoding",
        "amz-sdk-invocation-id",
        "authorization",
        "connection",
        "x-amz-date",
    }
    for header in expected.headers.keys() - differ:
        assert got.headers[header] == expected.headers[header], header


async def test_a_client_tries_again_as_it_does_without_us(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=500, repeat=2), SPOKEN)

    with bedrock_client(proxy, attempts=3) as client:
        answer = await seen(converse, client)

    assert answer["stopReason"] == "end_turn"
    tries = [each.headers["amz-sdk-request"] for each in sandbox.requests]
    assert [f"attempt={n}" in each for n, each in enumerate(tries, 1)] == [True] * 3
    ids = {each.headers["amz-sdk-invocation-id"] for each in sandbox.requests}
    assert len(ids) == 1


async def test_a_client_gives_up_when_its_time_is_over(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.HANG))

    with (
        bedrock_client(proxy, read_timeout=0.3) as client,
        pytest.raises(ReadTimeoutError),
    ):
        await seen(converse, client)

    await proxy.settled_one()


@pytest.mark.parametrize(
    "scenario",
    [converse_stream, lambda client: invoke_stream(client, CLAUDE, HELLO_BODY)],
)
@pytest.mark.parametrize("frames", [1, 3])
async def test_a_cut_stream_raises_in_the_client(
    sandbox: Sandbox, through_us: Any, scenario: Callable[[Any], Any], frames: int
) -> None:
    cut = {"fault": Fault.CUT_AFTER_FRAMES, "after_frames": frames}
    sandbox.play(SPOKEN.model_copy(update=cut))

    with pytest.raises(ProtocolError):
        await seen(scenario, through_us)
