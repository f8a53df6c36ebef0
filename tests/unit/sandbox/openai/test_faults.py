import asyncio
import json
import time

import openai
import pytest
from aiohttp import ClientSession, ServerDisconnectedError
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step, serving

HELLO: ChatCompletionUserMessageParam = {"role": "user", "content": "Hello!"}
FRAMES = ("one", "two", "three")


async def ask(client: AsyncOpenAI) -> None:
    await client.chat.completions.create(model="gpt-4o", messages=[HELLO])


async def read_into(
    client: AsyncOpenAI, contents: list[str | None], *, model: str = "gpt-4o"
) -> None:
    """Append the content of every choice streamed, until the stream ends or breaks."""
    stream = await client.chat.completions.create(
        model=model,
        messages=[HELLO],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        contents.extend(choice.delta.content for choice in chunk.choices)


async def events(sandbox: Sandbox) -> list[str]:
    """Return the raw events of a stream; raises as aiohttp does if it breaks."""
    async with (
        ClientSession(headers={"authorization": "Bearer sk-test"}) as session,
        session.post(
            f"{sandbox.base_url}/chat/completions",
            json={"model": "gpt-4o", "messages": [HELLO], "stream": True},
        ) as response,
    ):
        return (await response.text()).split("\n\n")


async def test_a_stream_without_fault_ends_with_done(sandbox: Sandbox) -> None:
    sandbox.play(Step(content=FRAMES))

    *chunks, done, rest = await events(sandbox)

    assert len(chunks) == 5
    assert done == "data: [DONE]"
    assert rest == ""


@pytest.mark.parametrize(
    ("count", "seen"),
    [
        (0, []),
        (1, [""]),
        (3, ["", "one", "two"]),
        (99, ["", "one", "two", "three", None]),
    ],
)
async def test_a_cut_stream_breaks_after_exactly_so_many_frames(
    client: AsyncOpenAI, sandbox: Sandbox, count: int, seen: list[str | None]
) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.CUT_AFTER_FRAMES, after_frames=count))
    contents: list[str | None] = []

    with pytest.raises(openai.APIConnectionError):
        await read_into(client, contents)

    assert contents == seen


async def test_a_model_name_asks_for_a_cut(client: AsyncOpenAI) -> None:
    contents: list[str | None] = []

    with pytest.raises(openai.APIConnectionError):
        await read_into(client, contents, model="sandbox-cut")

    assert contents == ["", "This", " is", " the"]


async def test_a_stream_can_be_cut_where_its_usage_was_due(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.CUT_BEFORE_USAGE))
    contents: list[str | None] = []

    with pytest.raises(openai.APIConnectionError):
        await read_into(client, contents)

    assert contents == ["", *FRAMES, None]


async def test_a_connection_can_close_before_the_first_byte(sandbox: Sandbox) -> None:
    sandbox.play(Step(fault=Fault.CUT_BEFORE_FIRST_BYTE))

    with pytest.raises(ServerDisconnectedError):
        await events(sandbox)


async def test_the_client_tries_again_after_a_cut_before_the_first_byte(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.CUT_BEFORE_FIRST_BYTE))

    await ask(client.with_options(max_retries=1))

    assert sandbox.request_count == 2


@pytest.mark.parametrize(
    "step",
    [
        Step(fault=Fault.CUT_AFTER_FRAMES, after_frames=1),
        Step(fault=Fault.CUT_BEFORE_USAGE),
    ],
)
async def test_an_answer_without_stream_is_cut_in_its_body(
    client: AsyncOpenAI, sandbox: Sandbox, step: Step
) -> None:
    sandbox.play(step)

    with pytest.raises(openai.APIConnectionError):
        await ask(client)


@pytest.mark.parametrize(
    ("step", "seen"),
    [
        (Step(content=FRAMES, fault=Fault.ERROR_EVENT_AT_HEAD), []),
        (
            Step(content=FRAMES, fault=Fault.ERROR_EVENT_AFTER_FRAMES, after_frames=2),
            ["", "one"],
        ),
    ],
)
async def test_an_error_event_is_raised_by_the_client(
    client: AsyncOpenAI, sandbox: Sandbox, step: Step, seen: list[str | None]
) -> None:
    sandbox.play(step)
    contents: list[str | None] = []

    with pytest.raises(openai.APIError) as failure:
        await read_into(client, contents)

    assert contents == seen
    assert type(failure.value) is openai.APIError
    assert failure.value.type == "server_error"


async def test_an_error_event_is_the_last_one(sandbox: Sandbox) -> None:
    detail = ErrorDetail(code="server_is_overloaded")
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD, error=detail))

    [event, rest] = await events(sandbox)

    error = json.loads(event.removeprefix("data: "))["error"]
    assert error["code"] == "server_is_overloaded"
    assert error["type"] == "service_unavailable_error"
    assert rest == ""


async def test_an_error_event_needs_a_stream(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD))

    with pytest.raises(openai.BadRequestError) as failure:
        await ask(client)

    assert failure.value.code == "sandbox_script_mismatch"


async def test_a_malformed_frame_is_no_json(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.MALFORMED_FRAME, after_frames=2))
    contents: list[str | None] = []

    with pytest.raises(json.JSONDecodeError):
        await read_into(client, contents)

    assert contents == ["", "one"]


async def test_a_stream_goes_on_after_a_malformed_frame(sandbox: Sandbox) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.MALFORMED_FRAME))

    malformed, *chunks, done, _ = await events(sandbox)

    assert malformed == 'data: {"cut '
    assert len(chunks) == 5
    assert done == "data: [DONE]"


async def test_a_malformed_answer_without_stream_is_no_json(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.MALFORMED_FRAME))

    with pytest.raises(json.JSONDecodeError):
        await ask(client)


@pytest.mark.parametrize("step", [Step(fault=Fault.HANG), Step(latency_seconds=3600)])
async def test_a_client_gives_up_on_silence(
    client: AsyncOpenAI, sandbox: Sandbox, step: Step
) -> None:
    sandbox.play(step)

    with pytest.raises(openai.APITimeoutError):
        await ask(client.with_options(timeout=0.05))


async def test_a_stream_can_fall_silent(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.HANG, after_frames=2))
    contents: list[str | None] = []

    with pytest.raises(openai.APITimeoutError):
        await read_into(client.with_options(timeout=0.5), contents)

    assert contents == ["", "one"]


async def test_a_server_that_stops_does_not_wait_for_a_hang() -> None:
    async with asyncio.TaskGroup() as group:
        async with serving() as sandbox:
            sandbox.play(Step(fault=Fault.HANG))
            asked = group.create_task(events_or_nothing(sandbox))
            await sandbox.wait_for_requests(1)
            started = time.monotonic()

        assert time.monotonic() - started < 5

    assert asked.result() is None


async def events_or_nothing(sandbox: Sandbox) -> list[str] | None:
    try:
        return await events(sandbox)
    except ServerDisconnectedError:
        return None


async def test_latency_passes_before_the_answer(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(latency_seconds=0.05))
    started = time.monotonic()

    raw = await client.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[HELLO]
    )

    assert time.monotonic() - started >= 0.05
    assert raw.headers["openai-processing-ms"] == "50"


async def test_frames_are_paced(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(content=FRAMES, pace_seconds=0.02))
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=[HELLO], stream=True
    )

    arrivals = [time.monotonic() async for _ in stream]

    assert len(arrivals) == 5
    assert arrivals[-1] - arrivals[0] >= 0.06
