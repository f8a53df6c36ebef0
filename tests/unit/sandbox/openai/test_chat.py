import asyncio

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionUserMessageParam

from ag2trust_sandbox import (
    FinishReason,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

HELLO: ChatCompletionUserMessageParam = {"role": "user", "content": "Hello!"}
DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"


async def streamed(
    client: AsyncOpenAI, *, include_usage: bool
) -> list[ChatCompletionChunk]:
    stream = await client.chat.completions.create(
        model="gpt-4o",
        messages=[HELLO],
        stream=True,
        stream_options={"include_usage": include_usage},
    )
    return [chunk async for chunk in stream]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    deltas = (choice.delta for chunk in chunks for choice in chunk.choices)
    return "".join(delta.content or "" for delta in deltas)


async def test_the_default_answer_says_that_it_is_no_model(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.choices[0].message.content == DEFAULT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o"


async def test_the_synchronous_client_gets_the_same_answer(sandbox: Sandbox) -> None:
    def ask() -> str | None:
        with OpenAI(base_url=sandbox.base_url, api_key="sk-test") as client:
            answer = client.chat.completions.create(model="gpt-4o", messages=[HELLO])
            return answer.choices[0].message.content

    assert await asyncio.to_thread(ask) == DEFAULT


async def test_the_synchronous_client_gets_the_same_stream(sandbox: Sandbox) -> None:
    def ask() -> list[ChatCompletionChunk]:
        with OpenAI(base_url=sandbox.base_url, api_key="sk-test") as client:
            return list(
                client.chat.completions.create(
                    model="gpt-4o", messages=[HELLO], stream=True
                )
            )

    assert text_of(await asyncio.to_thread(ask)) == DEFAULT


async def test_usage_is_one_token_for_four_characters_rounded_up(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="12345"))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 2
    assert answer.usage.completion_tokens == 2
    assert answer.usage.total_tokens == 4


async def test_text_parts_count_like_text(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}],
    )

    assert answer.choices[0].message.content == DEFAULT
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 2


async def test_scripted_usage_is_sent_as_written(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    usage = Usage(
        prompt_tokens=2**63,
        completion_tokens=-1,
        total_tokens=7,
        cached_tokens=3,
        cache_write_tokens=2,
        reasoning_tokens=1,
    )
    sandbox.play(Step(usage=usage))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    sent = answer.usage
    assert sent is not None
    assert (sent.prompt_tokens, sent.completion_tokens) == (2**63, -1)
    assert sent.total_tokens == 7
    assert sent.prompt_tokens_details is not None
    assert sent.prompt_tokens_details.cached_tokens == 3
    assert sent.prompt_tokens_details.cache_write_tokens == 2
    assert sent.completion_tokens_details is not None
    assert sent.completion_tokens_details.reasoning_tokens == 1


async def test_the_total_of_scripted_usage_is_the_sum_by_default(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=Usage(prompt_tokens=10, completion_tokens=5)))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.usage is not None
    assert answer.usage.total_tokens == 15


async def test_a_stream_starts_with_the_role_and_ends_with_the_reason(
    client: AsyncOpenAI,
) -> None:
    chunks = await streamed(client, include_usage=False)

    assert chunks[0].choices[0].delta.role == "assistant"
    assert text_of(chunks) == DEFAULT
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (
        len(chunks) - 1
    )
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_carries_usage_last_and_null_before(client: AsyncOpenAI) -> None:
    chunks = await streamed(client, include_usage=True)

    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert all("usage" in chunk.model_fields_set for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 15


async def test_a_stream_carries_no_usage_unless_asked(client: AsyncOpenAI) -> None:
    chunks = await streamed(client, include_usage=False)

    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_usage_can_ride_on_the_last_choice(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage_place=UsagePlace.LAST_CHOICE))

    chunks = await streamed(client, include_usage=True)

    assert all(chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_usage_can_run_along(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=8)
    sandbox.play(Step(content=("a", "b"), usage=usage, usage_place=UsagePlace.RUNNING))

    chunks = await streamed(client, include_usage=True)

    told = [
        (each.usage.prompt_tokens, each.usage.completion_tokens)
        for each in chunks
        if each.usage
    ]
    assert told == [(5, 2), (5, 4), (5, 6), (5, 8), (5, 8)]


async def test_members_of_another_day_can_be_in_the_usage(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=Usage(prompt_tokens=1, extra={"num_sources_used": 3})))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.usage is not None
    assert answer.usage.to_dict()["num_sources_used"] == 3


async def test_thinking_is_counted_but_not_shown(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(thinking="12345678", content="1234"))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.choices[0].message.content == "1234"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 2


@pytest.mark.parametrize("include_usage", [True, False])
async def test_usage_can_be_nowhere_in_a_stream(
    client: AsyncOpenAI, sandbox: Sandbox, *, include_usage: bool
) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    chunks = await streamed(client, include_usage=include_usage)

    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_usage_can_be_nowhere_in_an_answer(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.usage is None


async def test_scripted_frames_are_streamed_one_by_one(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day, wör", "ld")))

    chunks = await streamed(client, include_usage=False)

    assert [chunk.choices[0].delta.content for chunk in chunks] == [
        "",
        "Good ",
        "day, wör",
        "ld",
        None,
    ]


async def test_scripted_frames_are_joined_where_nothing_is_streamed(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(content=("Good ", "day"), finish_reason=FinishReason.CONTENT_FILTER)
    )

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.choices[0].message.content == "Good day"
    assert answer.choices[0].finish_reason == "content_filter"


async def test_an_empty_content_is_an_empty_text(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=""))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    assert answer.choices[0].message.content == ""


async def test_tool_calls_are_answered(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(tool_calls=(ToolCall(name="add", arguments='{"a": 1}'),)))

    answer = await client.chat.completions.create(model="gpt-4o", messages=[HELLO])

    message = answer.choices[0].message
    assert message.content is None
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    [call] = message.tool_calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("add", '{"a": 1}')


async def test_tool_calls_are_streamed(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    first = ToolCall(id="call_1", name="add", arguments='{"a": 1}')
    second = ToolCall(id="call_2", name="sub")
    sandbox.play(Step(tool_calls=(first, second)))

    async with client.chat.completions.stream(
        model="gpt-4o", messages=[HELLO]
    ) as stream:
        answer = await stream.get_final_completion()

    calls = answer.choices[0].message.tool_calls or []
    assert [
        (call.id, call.function.name, call.function.arguments) for call in calls
    ] == [
        ("call_1", "add", '{"a": 1}'),
        ("call_2", "sub", "{}"),
    ]
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [True, False])
async def test_every_choice_asked_for_is_answered_and_counted(
    client: AsyncOpenAI, *, stream: bool
) -> None:
    if stream:
        async with client.chat.completions.stream(
            model="gpt-4o",
            messages=[HELLO],
            n=3,
            stream_options={"include_usage": True},
        ) as chunks:
            answer = await chunks.get_final_completion()
    else:
        answer = await client.chat.completions.parse(
            model="gpt-4o", messages=[HELLO], n=3
        )

    assert [choice.message.content for choice in answer.choices] == [DEFAULT] * 3
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 45


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_default_answer_obeys_the_token_limit(
    client: AsyncOpenAI, name: str
) -> None:
    answer = await client.chat.completions.create(
        model="gpt-4o", messages=[HELLO], extra_body={name: 2}
    )

    assert answer.choices[0].message.content == "This is "
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": []}, "messages", "invalid_value"),
        ({"model": ""}, "model", "invalid_value"),
        ({"messages": None}, "messages", "invalid_value"),
        ({"messages": [{"role": "robot"}]}, "messages", "invalid_value"),
        ({"stream_options": {}}, "stream_options", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: AsyncOpenAI, body: dict[str, object], param: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await client.chat.completions.create(
            model="gpt-4o", messages=[HELLO], extra_body=body
        )

    assert refusal.value.param == param
    assert refusal.value.code == code


async def test_a_missing_parameter_is_named(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await client.post("/chat/completions", body={"model": "gpt-4o"}, cast_to=object)

    assert refusal.value.param == "messages"
    assert refusal.value.code == "missing_required_parameter"


async def test_a_body_that_is_no_json_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid JSON"):
        await client.post("/chat/completions", content=b"{", cast_to=object)
