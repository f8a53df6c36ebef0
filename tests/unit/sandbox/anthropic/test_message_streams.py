import json
from typing import Any

import anthropic
import httpx2
import pytest
from aiohttp import ClientSession
from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageParam, RawMessageStreamEvent

from ag2trust_sandbox import (
    ErrorDetail,
    Fault,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

HELLO: MessageParam = {"role": "user", "content": "Hello!"}
CACHED = Usage(
    prompt_tokens=1000,
    completion_tokens=50,
    cached_tokens=600,
    cache_write_tokens=300,
    long_cache_write_tokens=100,
)
TWO_WORDS = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
]
"""What the client lets through; it keeps `ping` to itself."""


async def read_into(
    client: AsyncAnthropic, events: list[RawMessageStreamEvent]
) -> None:
    """Append every event streamed, until the stream ends or breaks."""
    stream = await client.messages.create(
        model="claude-opus-5-5", max_tokens=100, messages=[HELLO], stream=True
    )
    async for event in stream:
        events += [event]


async def streamed(client: AsyncAnthropic) -> list[RawMessageStreamEvent]:
    events: list[RawMessageStreamEvent] = []
    await read_into(client, events)
    return events


async def final_message(client: AsyncAnthropic) -> Message:
    async with client.messages.stream(
        model="claude-opus-5-5", max_tokens=100, messages=[HELLO]
    ) as stream:
        return await stream.get_final_message()


async def raw_stream(sandbox: Sandbox) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the data of every event as they were sent."""
    headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
    body = {"model": "m", "max_tokens": 9, "messages": [HELLO], "stream": True}
    async with (
        ClientSession(headers=headers) as session,
        session.post(
            f"{sandbox.anthropic_base_url}/v1/messages", json=body
        ) as response,
    ):
        *events, rest = (await response.text()).split("\n\n")
    assert rest == ""
    return [_parsed(event) for event in events]


def _parsed(event: str) -> tuple[str, dict[str, Any]]:
    name, data = event.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_a_message_is_streamed_in_the_documented_events(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day")))

    events = await streamed(client)

    assert [event.type for event in events] == TWO_WORDS


async def test_events_are_named_as_their_data_says_and_a_ping_is_among_them(
    sandbox: Sandbox,
) -> None:
    sandbox.play(Step(content=("Good ", "day")))

    events = await raw_stream(sandbox)

    names = [name for name, _ in events]
    assert names == [*TWO_WORDS[:2], "ping", *TWO_WORDS[2:]]
    assert names == [data["type"] for _, data in events]


async def test_the_helper_puts_the_message_together(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(thinking="I think", content=("Good ", "day"), usage=CACHED))

    message = await final_message(client)

    thinking, text = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, bool(thinking.signature)) == ("I think", True)
    assert text.type == "text"
    assert text.text == "Good day"
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 50
    assert message.usage.cache_creation is not None
    assert message.usage.cache_creation.ephemeral_1h_input_tokens == 100


async def test_tool_calls_are_streamed(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    first = ToolCall(id="toolu_1", name="add", arguments='{"a": 1}')
    second = ToolCall(id="toolu_2", name="sub")
    sandbox.play(Step(tool_calls=(first, second)))

    message = await final_message(client)

    assert [
        (call.id, call.name, call.input)
        for call in message.content
        if call.type == "tool_use"
    ] == [("toolu_1", "add", {"a": 1}), ("toolu_2", "sub", {})]
    assert message.stop_reason == "tool_use"


async def test_arguments_are_streamed_as_written(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(tool_calls=(ToolCall(name="add", arguments='{"a": '),)))

    events = await streamed(client)

    assert [
        event.delta.partial_json
        for event in events
        if event.type == "content_block_delta"
        and event.delta.type == "input_json_delta"
    ] == ["", '{"a": ']


async def test_the_start_has_the_input_and_the_delta_the_whole(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=CACHED))

    events = await streamed(client)

    start, delta = events[0], events[-2]
    assert start.type == "message_start"
    assert start.message.stop_reason is None
    assert start.message.usage.output_tokens == 1
    assert start.message.usage.input_tokens == 100
    assert start.message.usage.cache_creation is not None
    assert start.message.usage.service_tier == "standard"
    assert delta.type == "message_delta"
    assert delta.usage.to_dict() == {
        "input_tokens": 100,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 600,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 0},
    }


async def test_usage_can_run_along_and_is_cumulative(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=CACHED, usage_place=UsagePlace.RUNNING))

    events = await streamed(client)

    deltas = [event for event in events if event.type == "message_delta"]
    assert [each.usage.output_tokens for each in deltas] == [25, 50]
    assert [each.delta.stop_reason for each in deltas] == [None, "end_turn"]


async def test_usage_can_be_told_at_the_end_alone(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=CACHED, usage_place=UsagePlace.LAST_CHOICE))

    events = await streamed(client)

    start, delta = events[0], events[-2]
    assert start.type == "message_start"
    assert start.message.usage.input_tokens == 0
    assert start.message.usage.output_tokens == 0
    assert delta.type == "message_delta"
    assert delta.usage.cache_read_input_tokens == 600
    assert "cache_creation" in delta.usage.to_dict()


async def test_usage_can_be_nowhere(sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    events = await raw_stream(sandbox)

    assert not [data for _, data in events if "usage" in json.dumps(data)]


@pytest.mark.parametrize(
    ("count", "seen"),
    [(0, []), (1, TWO_WORDS[:1]), (3, TWO_WORDS[:2]), (99, TWO_WORDS[:-1])],
)
async def test_a_cut_stream_breaks_after_exactly_so_many_events(
    client: AsyncAnthropic, sandbox: Sandbox, count: int, seen: list[str]
) -> None:
    """The ping counts, and the client raises no class of its own."""
    sandbox.play(
        Step(content=("a", "b"), fault=Fault.CUT_AFTER_FRAMES, after_frames=count)
    )
    events: list[RawMessageStreamEvent] = []

    with pytest.raises(httpx2.RemoteProtocolError):
        await read_into(client, events)

    assert [event.type for event in events] == seen


async def test_a_stream_can_be_cut_where_its_usage_was_due(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("a", "b"), fault=Fault.CUT_BEFORE_USAGE))
    events: list[RawMessageStreamEvent] = []

    with pytest.raises(httpx2.RemoteProtocolError):
        await read_into(client, events)

    assert [event.type for event in events] == TWO_WORDS[:-2]


async def test_an_error_event_is_raised_by_the_client(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            content=("a", "b"),
            error=ErrorDetail(code="server_is_overloaded"),
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=4,
        )
    )
    events: list[RawMessageStreamEvent] = []

    with pytest.raises(anthropic.APIStatusError) as failure:
        await read_into(client, events)

    assert [event.type for event in events] == TWO_WORDS[:3]
    assert failure.value.status_code == 200
    assert failure.value.type == "overloaded_error"


async def test_an_error_event_needs_a_stream(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.ERROR_EVENT_AT_HEAD))

    with pytest.raises(anthropic.BadRequestError) as failure:
        await client.messages.create(model="m", max_tokens=1, messages=[HELLO])

    assert failure.value.error_code == "sandbox_script_mismatch"


async def test_a_malformed_event_is_no_json(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.MALFORMED_FRAME, after_frames=1))
    events: list[RawMessageStreamEvent] = []

    with pytest.raises(json.JSONDecodeError):
        await read_into(client, events)

    assert [event.type for event in events] == TWO_WORDS[:1]


async def test_a_stream_can_fall_silent(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.HANG, after_frames=2))
    events: list[RawMessageStreamEvent] = []

    with pytest.raises(httpx2.ReadTimeout):
        await read_into(client.with_options(timeout=0.5), events)

    assert [event.type for event in events] == TWO_WORDS[:2]


async def test_a_model_name_asks_for_a_cut(client: AsyncAnthropic) -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        async with client.messages.stream(
            model="sandbox-cut", max_tokens=100, messages=[HELLO]
        ) as stream:
            await stream.get_final_message()
