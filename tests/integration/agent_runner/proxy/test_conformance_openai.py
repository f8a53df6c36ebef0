"""The official `openai` client works through the proxy as it does without it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from ag2trust_sandbox import Fault, Sandbox, Step, ToolCall, Usage

from .conforming import ONE_PIXEL, played, seen
from .proxying import HELLO, KEY, MODEL, Proxy

USED = Usage(prompt_tokens=11, completion_tokens=7, reasoning_tokens=3)
CALLED = Step(tool_calls=(ToolCall(name="weather", arguments='{"city":"Oslo"}'),))
SPOKEN = Step(content=("Good ", "day, ", "ä\u2028 😀"), usage=USED)
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
RESPONSE_TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
PICTURE: Any = {
    "role": "user",
    "content": [
        {"type": "text", "text": "What is this?"},
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{ONE_PIXEL}"},
        },
    ],
}
HISTORY: Any = [
    HELLO,
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
]


def chat(client: OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=[HELLO], **more)


def chunks(client: OpenAI, **more: Any) -> Any:
    return list(chat(client, stream=True, **more))


def chat_helper(client: OpenAI) -> Any:
    """Read a stream with the client's own accumulator."""
    with client.chat.completions.stream(model=MODEL, messages=[HELLO]) as stream:
        kinds = [event.type for event in stream]
        return [kinds, stream.get_final_completion()]


def response(client: OpenAI, **more: Any) -> Any:
    return client.responses.create(model=MODEL, input="Hi", **more)


def response_helper(client: OpenAI) -> Any:
    with client.responses.stream(model=MODEL, input="Hi") as stream:
        kinds = [event.type for event in stream]
        return [kinds, stream.get_final_response()]


async def async_chat(client: AsyncOpenAI, **more: Any) -> Any:
    return await client.chat.completions.create(model=MODEL, messages=[HELLO], **more)


async def async_chunks(client: AsyncOpenAI, **more: Any) -> Any:
    return [each async for each in await async_chat(client, stream=True, **more)]


async def async_chat_helper(client: AsyncOpenAI) -> Any:
    async with client.chat.completions.stream(model=MODEL, messages=[HELLO]) as stream:
        kinds = [event.type async for event in stream]
        return [kinds, await stream.get_final_completion()]


async def async_response(client: AsyncOpenAI, **more: Any) -> Any:
    return await client.responses.create(model=MODEL, input="Hi", **more)


async def async_events(client: AsyncOpenAI) -> Any:
    return [each async for each in await async_response(client, stream=True)]


async def async_embeddings(client: AsyncOpenAI, **more: Any) -> Any:
    return await client.embeddings.create(model=MODEL, input=["a", "b"], **more)


SYNC: dict[str, tuple[Callable[[OpenAI], Any], Step]] = {
    "chat": (chat, SPOKEN),
    "stream": (chunks, SPOKEN),
    "stream with usage": (
        lambda client: chunks(client, stream_options={"include_usage": True}),
        SPOKEN,
    ),
    "stream helper": (chat_helper, SPOKEN),
    "tool calls": (lambda client: chat(client, tools=[TOOL]), CALLED),
    "tool calls in a stream": (lambda client: chunks(client, tools=[TOOL]), CALLED),
    "history": (
        lambda client: client.chat.completions.create(model=MODEL, messages=HISTORY),
        SPOKEN,
    ),
    "picture": (
        lambda client: client.chat.completions.create(model=MODEL, messages=[PICTURE]),
        SPOKEN,
    ),
    "choices": (lambda client: chat(client, n=2), SPOKEN),
    "response": (response, SPOKEN),
    "response in a stream": (lambda c: list(response(c, stream=True)), SPOKEN),
    "response helper": (response_helper, SPOKEN),
    "response with tools": (
        lambda client: response(client, tools=[RESPONSE_TOOL]),
        CALLED,
    ),
    "embeddings": (
        lambda client: client.embeddings.create(model=MODEL, input=["a", "b"]),
        Step(usage=Usage(prompt_tokens=2)),
    ),
    "embeddings as numbers": (
        lambda client: client.embeddings.create(
            model=MODEL, input="a", encoding_format="float", dimensions=8
        ),
        Step(),
    ),
}
ASYNC: dict[str, tuple[Callable[[AsyncOpenAI], Any], Step]] = {
    "chat": (async_chat, SPOKEN),
    "stream": (async_chunks, SPOKEN),
    "stream helper": (async_chat_helper, SPOKEN),
    "response": (async_response, SPOKEN),
    "response in a stream": (async_events, SPOKEN),
    "embeddings": (async_embeddings, Step()),
}


@pytest.fixture
async def direct(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=sandbox.base_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.mark.parametrize("name", SYNC)
async def test_the_blocking_client_sees_what_it_sees_without_us(
    proxy: Proxy, sandbox: Sandbox, name: str
) -> None:
    scenario, step = SYNC[name]
    with (
        OpenAI(base_url=sandbox.base_url, api_key=KEY, max_retries=0) as direct,
        proxy.sync_client() as through_us,
    ):
        expected, got = await played(sandbox, scenario, step, direct, through_us)

    assert got == expected


@pytest.mark.parametrize("name", ASYNC)
async def test_the_async_client_sees_what_it_sees_without_us(
    proxy: Proxy, sandbox: Sandbox, direct: AsyncOpenAI, name: str
) -> None:
    scenario, step = ASYNC[name]

    expected, got = await played(sandbox, scenario, step, direct, proxy.client())

    assert got == expected


@pytest.mark.parametrize("name", sorted(set(SYNC) - {"stream", "stream helper"}))
async def test_the_provider_sees_the_request_it_would_see_without_us(
    proxy: Proxy, sandbox: Sandbox, name: str
) -> None:
    scenario, step = SYNC[name]
    with (
        OpenAI(base_url=sandbox.base_url, api_key=KEY, max_retries=0) as direct,
        proxy.sync_client() as through_us,
    ):
        await played(sandbox, scenario, step, direct, through_us)

    expected, got = sandbox.requests
    if name == "tool calls in a stream":  # we ask for usage, in front of all else
        asked = b'"stream_options":{"include_usage":true},'
        got_body = got.body.replace(asked, b"", 1)
    else:
        got_body = got.body
    assert got_body == expected.body
    assert got.path == expected.path
    differ = {"accept-encoding", "content-length", "connection"}
    for header in expected.headers.keys() - differ:
        assert got.headers[header] == expected.headers[header], header


async def test_the_models_are_listed(proxy: Proxy) -> None:
    with proxy.sync_client() as client:
        listed = await seen(lambda each: [m.id for m in each.models.list()], client)

    assert listed == [MODEL]


async def test_a_client_tries_again_as_it_does_without_us(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    failing = Step(status=500, headers={"retry-after-ms": "1"}, repeat=2)
    sandbox.play(failing, SPOKEN)

    answer = await proxy.client(max_retries=2).chat.completions.create(
        model=MODEL, messages=[HELLO]
    )

    assert answer.choices[0].message.content == "Good day, ä\u2028 😀"
    tries = [each.headers["x-stainless-retry-count"] for each in sandbox.requests]
    assert tries == ["0", "1", "2"]


@pytest.mark.parametrize("advice", ["true", "false"])
async def test_a_client_heeds_what_the_provider_advises(
    proxy: Proxy, sandbox: Sandbox, advice: str
) -> None:
    headers = {"x-should-retry": advice, "retry-after-ms": "1"}
    sandbox.play(Step(status=400, headers=headers, repeat=3))

    with pytest.raises(openai.BadRequestError):
        await async_chat(proxy.client(max_retries=2))

    assert sandbox.request_count == (3 if advice == "true" else 1)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_client_gives_up_when_its_time_is_over(
    proxy: Proxy, sandbox: Sandbox, *, is_streamed: bool
) -> None:
    sandbox.play(Step(fault=Fault.HANG))

    with pytest.raises(openai.APITimeoutError):
        await async_chat(proxy.client(timeout=0.3), stream=is_streamed)

    await proxy.settled_one()


@pytest.mark.parametrize("scenario", [chunks, lambda c: list(response(c, stream=True))])
async def test_a_cut_stream_raises_in_the_blocking_client(
    proxy: Proxy, sandbox: Sandbox, scenario: Callable[[OpenAI], Any]
) -> None:
    cut = SPOKEN.model_copy(update={"fault": Fault.CUT_AFTER_FRAMES, "after_frames": 3})
    sandbox.play(cut)

    with proxy.sync_client() as client, pytest.raises(openai.APIConnectionError):
        await seen(scenario, client)


@pytest.mark.parametrize("scenario", [async_chunks, async_events])
async def test_a_cut_stream_raises_in_the_async_client(
    proxy: Proxy, sandbox: Sandbox, scenario: Callable[[AsyncOpenAI], Any]
) -> None:
    cut = SPOKEN.model_copy(update={"fault": Fault.CUT_AFTER_FRAMES, "after_frames": 3})
    sandbox.play(cut)

    with pytest.raises(openai.APIConnectionError):
        await seen(scenario, proxy.client())
