"""The official `anthropic` client works through the proxy as it does without it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

from ag2trust_sandbox import Fault, Sandbox, Step, ToolCall, Usage
from shared.contracts.credentials import ProviderType

from .conforming import ONE_PIXEL, played, seen
from .proxying import KEY, MODEL, Proxy, lease_of

USED = Usage(
    prompt_tokens=100, completion_tokens=7, cached_tokens=50, cache_write_tokens=20
)
SPOKEN = Step(content=("Good ", "day, ", "ä\u2028 😀"), usage=USED)
THOUGHT = Step(thinking=("Hm", "."), content="Good day.", usage=USED)
CALLED = Step(tool_calls=(ToolCall(name="weather", arguments='{"city":"Oslo"}'),))
HELLO: Any = {"role": "user", "content": "Hello!"}
TOOL: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
PICTURE: Any = {
    "role": "user",
    "content": [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": ONE_PIXEL},
        },
        {"type": "text", "text": "What is this?"},
    ],
}
HISTORY: Any = [
    HELLO,
    {
        "role": "assistant",
        "content": [
            {
                "type": "tool_use",
                "id": "toolu_1",
                "name": "weather",
                "input": {"city": "Oslo"},
            }
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}
        ],
    },
]


def message(client: Anthropic, *messages: Any, **more: Any) -> Any:
    return client.messages.create(
        model=MODEL, max_tokens=1000, messages=messages or [HELLO], **more
    )


def events(client: Anthropic, **more: Any) -> Any:
    return list(message(client, stream=True, **more))


def helper(client: Anthropic) -> Any:
    """Read a stream with the client's own accumulator."""
    with client.messages.stream(
        model=MODEL, max_tokens=1000, messages=[HELLO]
    ) as stream:
        kinds = [event.type for event in stream]
        return [kinds, stream.get_final_message()]


async def async_message(client: AsyncAnthropic, **more: Any) -> Any:
    return await client.messages.create(
        model=MODEL, max_tokens=1000, messages=[HELLO], **more
    )


async def async_events(client: AsyncAnthropic) -> Any:
    return [each async for each in await async_message(client, stream=True)]


async def async_helper(client: AsyncAnthropic) -> Any:
    async with client.messages.stream(
        model=MODEL, max_tokens=1000, messages=[HELLO]
    ) as stream:
        kinds = [event.type async for event in stream]
        return [kinds, await stream.get_final_message()]


async def async_count(client: AsyncAnthropic) -> Any:
    return await client.messages.count_tokens(model=MODEL, messages=[HELLO])


SYNC: dict[str, tuple[Callable[[Anthropic], Any], Step]] = {
    "message": (message, SPOKEN),
    "stream": (events, SPOKEN),
    "stream helper": (helper, SPOKEN),
    "thinking": (message, THOUGHT),
    "thinking in a stream": (events, THOUGHT),
    "tool use": (lambda client: message(client, tools=[TOOL]), CALLED),
    "tool use in a stream": (lambda client: events(client, tools=[TOOL]), CALLED),
    "history": (lambda client: message(client, *HISTORY), SPOKEN),
    "picture": (lambda client: message(client, PICTURE), SPOKEN),
    "system": (lambda client: message(client, system="Be brief."), SPOKEN),
    "beta": (
        lambda client: client.beta.messages.create(
            model=MODEL,
            max_tokens=10,
            messages=[HELLO],
            betas=["context-1m-2025-08-07", "x-2027-01-01"],
        ),
        SPOKEN,
    ),
    "count tokens": (
        lambda client: client.messages.count_tokens(model=MODEL, messages=[HELLO]),
        Step(),
    ),
}
ASYNC: dict[str, tuple[Callable[[AsyncAnthropic], Any], Step]] = {
    "message": (async_message, SPOKEN),
    "stream": (async_events, SPOKEN),
    "stream helper": (async_helper, SPOKEN),
    "count tokens": (async_count, Step()),
}


@pytest.fixture(autouse=True)
def speaks_anthropic(proxy: Proxy, sandbox: Sandbox) -> None:
    url = sandbox.anthropic_base_url
    proxy.move_to(lease_of(url, provider_type=ProviderType.ANTHROPIC))


@pytest.fixture
def direct(sandbox: Sandbox) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=sandbox.anthropic_base_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def through_us(proxy: Proxy) -> Iterator[Anthropic]:
    with Anthropic(base_url=proxy.anthropic_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_direct(sandbox: Sandbox) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=sandbox.anthropic_base_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def async_through_us(proxy: Proxy) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(
        base_url=proxy.anthropic_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.mark.parametrize("name", SYNC)
async def test_the_blocking_client_sees_what_it_sees_without_us(
    sandbox: Sandbox, direct: Anthropic, through_us: Anthropic, name: str
) -> None:
    scenario, step = SYNC[name]

    expected, got = await played(sandbox, scenario, step, direct, through_us)

    assert got == expected


@pytest.mark.parametrize("name", ASYNC)
async def test_the_async_client_sees_what_it_sees_without_us(
    sandbox: Sandbox,
    async_direct: AsyncAnthropic,
    async_through_us: AsyncAnthropic,
    name: str,
) -> None:
    scenario, step = ASYNC[name]

    expected, got = await played(
        sandbox, scenario, step, async_direct, async_through_us
    )

    assert got == expected


@pytest.mark.parametrize("name", SYNC)
async def test_the_provider_sees_the_request_it_would_see_without_us(
    sandbox: Sandbox, direct: Anthropic, through_us: Anthropic, name: str
) -> None:
    scenario, step = SYNC[name]

    await played(sandbox, scenario, step, direct, through_us)

    expected, got = sandbox.requests
    assert got.body == expected.body
    assert got.path == expected.path
    differ = {"accept-encoding", "authorization", "connection"}
    for header in expected.headers.keys() - differ:
        assert got.headers[header] == expected.headers[header], header


async def test_a_client_tries_again_as_it_does_without_us(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(status=529, headers={"retry-after-ms": "1"}, repeat=2), SPOKEN)

    async with AsyncAnthropic(base_url=proxy.anthropic_url, api_key=KEY) as client:
        await async_message(client)

    tries = [each.headers["x-stainless-retry-count"] for each in sandbox.requests]
    assert tries == ["0", "1", "2"]


async def test_our_own_final_refusal_is_not_tried_again(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    proxy.allow("another-model")

    async with AsyncAnthropic(base_url=proxy.anthropic_url, api_key=KEY) as client:
        with pytest.raises(anthropic.PermissionDeniedError) as refused:
            await async_message(client)

    assert refused.value.response.headers["x-ag2trust-error"] == "MODEL_NOT_ALLOWED"
    assert refused.value.request_id
    assert sandbox.request_count == 0


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_client_gives_up_when_its_time_is_over(
    proxy: Proxy, sandbox: Sandbox, *, is_streamed: bool
) -> None:
    sandbox.play(Step(fault=Fault.HANG))

    async with AsyncAnthropic(
        base_url=proxy.anthropic_url, api_key=KEY, max_retries=0, timeout=0.3
    ) as client:
        with pytest.raises(anthropic.APITimeoutError):
            await async_message(client, stream=is_streamed)

    await proxy.settled_one()


@pytest.mark.parametrize(
    ("step", "raised"),
    [
        (Step(status=400), anthropic.BadRequestError),
        (Step(status=401), anthropic.AuthenticationError),
        (Step(status=402), anthropic.APIStatusError),
        (Step(status=403), anthropic.PermissionDeniedError),
        (Step(status=404), anthropic.NotFoundError),
        (Step(status=413), anthropic.APIStatusError),
        (Step(status=429), anthropic.RateLimitError),
        (Step(status=500), anthropic.InternalServerError),
        (Step(status=529), anthropic.APIStatusError),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_the_client_raises_what_it_raises_without_us(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    async_direct: AsyncAnthropic,
    async_through_us: AsyncAnthropic,
    step: Step,
    raised: type[anthropic.APIStatusError],
    is_streamed: bool,
) -> None:
    sandbox.play(step.model_copy(update={"repeat": 2}))

    with pytest.raises(raised) as without_us:
        await async_message(async_direct, stream=is_streamed)
    with pytest.raises(raised) as with_us:
        await async_message(async_through_us, stream=is_streamed)

    assert type(with_us.value) is type(without_us.value)
    assert with_us.value.status_code == without_us.value.status_code
    assert with_us.value.type == without_us.value.type
    record = await proxy.settled_one()
    assert record.explanation is not None
    assert record.explanation.provider_error == with_us.value.type


@pytest.mark.parametrize("scenario", [events, helper])
async def test_a_cut_stream_raises_in_the_blocking_client(
    sandbox: Sandbox, through_us: Anthropic, scenario: Callable[[Anthropic], Any]
) -> None:
    cut = SPOKEN.model_copy(update={"fault": Fault.CUT_AFTER_FRAMES, "after_frames": 4})
    sandbox.play(cut)

    with pytest.raises(httpx2.RemoteProtocolError):
        await seen(scenario, through_us)


@pytest.mark.parametrize("scenario", [async_events, async_helper])
async def test_a_cut_stream_raises_in_the_async_client(
    sandbox: Sandbox,
    async_through_us: AsyncAnthropic,
    scenario: Callable[[AsyncAnthropic], Any],
) -> None:
    cut = SPOKEN.model_copy(update={"fault": Fault.CUT_AFTER_FRAMES, "after_frames": 4})
    sandbox.play(cut)

    with pytest.raises(httpx2.RemoteProtocolError):
        await seen(scenario, async_through_us)
