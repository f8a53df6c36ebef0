"""Responses as a stream of the documented events, also one that is cut."""

import openai
import pytest
from openai import AsyncOpenAI

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step, ToolCall

from .response_streams import raw_stream, streamed

DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"
BEGINNING = ["response.created", "response.in_progress"]
MESSAGE = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]


async def test_a_message_is_streamed_in_the_documented_events(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day")))

    events = await streamed(client)

    assert [event.type for event in events] == [
        *BEGINNING,
        *MESSAGE[:3],
        *MESSAGE[2:],
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [
        event.delta for event in events if event.type == "response.output_text.delta"
    ] == ["Good ", "day"]


async def test_events_are_named_as_their_data_says_and_nothing_follows_the_last(
    sandbox: Sandbox,
) -> None:
    events = await raw_stream(sandbox)

    assert all(name == data["type"] for name, data in events)
    assert events[-1][0] == "response.completed"


async def test_the_end_of_a_stream_holds_the_whole_response(
    client: AsyncOpenAI,
) -> None:
    async with client.responses.stream(model="gpt-5", input="Hello!") as stream:
        answer = await stream.get_final_response()

    assert answer.output_text == DEFAULT
    assert answer.usage is not None
    assert answer.usage.output_tokens == 15


async def test_tool_calls_are_streamed(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    first = ToolCall(id="call_1", name="add", arguments='{"a": 1}')
    second = ToolCall(id="call_2", name="sub")
    sandbox.play(Step(content="Two sums.", tool_calls=(first, second)))

    async with client.responses.stream(model="gpt-5", input="Hello!") as stream:
        types = [event.type async for event in stream]
        answer = await stream.get_final_response()

    assert types.count("response.function_call_arguments.delta") == 2
    assert types.count("response.function_call_arguments.done") == 2
    assert answer.output_text == "Two sums."
    assert [
        (item.call_id, item.name, item.arguments)
        for item in answer.output
        if item.type == "function_call"
    ] == [("call_1", "add", '{"a": 1}'), ("call_2", "sub", "{}")]


async def test_an_error_event_is_delivered_not_raised(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            error=ErrorDetail(code="server_is_overloaded"),
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=2,
        )
    )

    *before, error = await streamed(client)

    assert [event.type for event in before] == BEGINNING
    assert error.type == "error"
    assert error.code == "server_is_overloaded"
    assert error.sequence_number == 2


async def read_into(client: AsyncOpenAI, types: list[str]) -> None:
    stream = await client.responses.create(model="gpt-5", input="Hello!", stream=True)
    async for event in stream:
        types += [event.type]


@pytest.mark.parametrize(
    ("count", "seen"), [(0, []), (1, BEGINNING[:1]), (99, [*BEGINNING, *MESSAGE])]
)
async def test_a_cut_stream_breaks_after_exactly_so_many_events(
    client: AsyncOpenAI, sandbox: Sandbox, count: int, seen: list[str]
) -> None:
    sandbox.play(
        Step(content="One", fault=Fault.CUT_AFTER_FRAMES, after_frames=count),
    )
    types: list[str] = []

    with pytest.raises(openai.APIConnectionError):
        await read_into(client, types)

    assert types[:8] == seen


async def test_a_stream_can_be_cut_where_its_usage_was_due(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="One", fault=Fault.CUT_BEFORE_USAGE))
    types: list[str] = []

    with pytest.raises(openai.APIConnectionError):
        await read_into(client, types)

    assert types == [*BEGINNING, *MESSAGE]
