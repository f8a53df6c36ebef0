import asyncio
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message, MessageParam, TextBlock

from ag2trust_sandbox import (
    FinishReason,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

HELLO: MessageParam = {"role": "user", "content": "Hello!"}
DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"
CACHED = Usage(
    prompt_tokens=1000,
    completion_tokens=50,
    cached_tokens=600,
    cache_write_tokens=300,
    long_cache_write_tokens=100,
    reasoning_tokens=20,
)


async def ask(
    client: AsyncAnthropic, *, max_tokens: int = 100, **options: Any
) -> Message:
    answer: Message = await client.messages.create(
        model="claude-opus-5-5", max_tokens=max_tokens, messages=[HELLO], **options
    )
    return answer


def text_of(message: Message) -> str:
    return "".join(each.text for each in message.content if each.type == "text")


async def test_the_default_answer_says_that_it_is_no_model(
    client: AsyncAnthropic,
) -> None:
    answer = await ask(client)

    assert [block.type for block in answer.content] == ["text"]
    assert text_of(answer) == DEFAULT
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    assert answer.model == "claude-opus-5-5"
    assert answer.id.startswith("msg_")


async def test_the_synchronous_client_gets_the_same_answer(sandbox: Sandbox) -> None:
    def ask_both_ways() -> tuple[str, str]:
        with Anthropic(base_url=sandbox.anthropic_base_url, api_key="any") as client:
            whole = client.messages.create(
                model="claude-opus-5-5", max_tokens=100, messages=[HELLO]
            )
            with client.messages.stream(
                model="claude-opus-5-5", max_tokens=100, messages=[HELLO]
            ) as stream:
                return text_of(whole), stream.get_final_text()

    assert await asyncio.to_thread(ask_both_ways) == (DEFAULT, DEFAULT)


async def test_every_text_of_the_request_is_counted(client: AsyncAnthropic) -> None:
    answer = await client.messages.create(
        model="claude-opus-5-5",
        max_tokens=100,
        system=[{"type": "text", "text": "Be brief."}],
        messages=[
            HELLO,
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": "Five."}],
                    },
                    {"type": "text", "text": " Thanks!"},
                ],
            },
        ],
    )

    assert text_of(answer).endswith("You said: Five. Thanks!")
    assert answer.usage.input_tokens == 3 + 2 + 0 + 4


async def test_an_image_counts_nothing(client: AsyncAnthropic) -> None:
    answer = await client.messages.create(
        model="claude-opus-5-5",
        max_tokens=100,
        messages=[
            {
                "role": "user",
                "content": [
                    {
                        "type": "image",
                        "source": {
                            "type": "base64",
                            "media_type": "image/png",
                            "data": "AA==",
                        },
                    },
                    {"type": "text", "text": "Hello!"},
                ],
            }
        ],
    )

    assert text_of(answer) == DEFAULT
    assert answer.usage.input_tokens == 2


async def test_scripted_usage_is_told_without_the_cache(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=CACHED))

    answer = await ask(client)

    usage = answer.usage
    assert usage.input_tokens == 100
    assert usage.cache_read_input_tokens == 600
    assert usage.cache_creation_input_tokens == 300
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_5m_input_tokens == 200
    assert usage.cache_creation.ephemeral_1h_input_tokens == 100
    assert usage.output_tokens == 50
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 20
    assert (usage.service_tier, usage.inference_geo) == ("standard", "global")


async def test_numbers_that_cannot_be_are_sent_as_written(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    usage = Usage(prompt_tokens=2**63, completion_tokens=-1, cached_tokens=2**64)
    sandbox.play(Step(usage=usage))

    answer = await ask(client)

    assert answer.usage.input_tokens == 2**63 - 2**64
    assert answer.usage.output_tokens == -1


async def test_cache_writes_can_come_without_split_and_usage_with_more(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    usage = Usage(
        prompt_tokens=9,
        cache_write_tokens=9,
        long_cache_write_tokens=None,
        extra={"speed": "fast", "inference_geo": "us"},
    )
    sandbox.play(Step(usage=usage))

    answer = await ask(client)

    assert answer.usage.cache_creation is None
    assert answer.usage.cache_creation_input_tokens == 9
    assert (answer.usage.speed, answer.usage.inference_geo) == ("fast", "us")


async def test_usage_can_be_nowhere(client: AsyncAnthropic, sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    answer = await ask(client)

    assert "usage" not in answer.model_fields_set


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.CONTENT_FILTER, "refusal"),
    ],
)
async def test_the_reason_is_told_in_words_of_anthropic(
    client: AsyncAnthropic, sandbox: Sandbox, reason: FinishReason, told: str
) -> None:
    sandbox.play(Step(content="Good day.", finish_reason=reason))

    answer = await ask(client)

    assert answer.stop_reason == told


async def test_the_default_answer_obeys_the_token_limit(client: AsyncAnthropic) -> None:
    answer = await ask(client, max_tokens=2)

    assert text_of(answer) == "This is "
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 2


async def test_nothing_may_be_asked_for_to_warm_a_cache(client: AsyncAnthropic) -> None:
    answer = await ask(client, max_tokens=0)

    assert answer.content == []
    assert answer.usage.output_tokens == 0
    assert answer.usage.input_tokens == 2


async def test_tool_calls_are_answered(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    first = ToolCall(name="add", arguments='{"a": 1}')
    second = ToolCall(id="toolu_2", name="sub")
    sandbox.play(Step(content="Two sums.", tool_calls=(first, second)))

    answer = await ask(client)

    text, *calls = answer.content
    assert isinstance(text, TextBlock)
    assert answer.stop_reason == "tool_use"
    assert [(call.name, call.input) for call in calls if call.type == "tool_use"] == [
        ("add", {"a": 1}),
        ("sub", {}),
    ]
    assert calls[0].type == calls[1].type == "tool_use"
    assert calls[0].id.startswith("toolu_")
    assert calls[1].id == "toolu_2"


@pytest.mark.parametrize("arguments", ["{", "[]"])
async def test_arguments_that_are_no_object_need_a_stream(
    client: AsyncAnthropic, sandbox: Sandbox, arguments: str
) -> None:
    sandbox.play(Step(tool_calls=(ToolCall(name="add", arguments=arguments),)))

    with pytest.raises(anthropic.BadRequestError, match="no JSON object") as refusal:
        await ask(client)

    assert refusal.value.error_code == "sandbox_script_mismatch"


async def test_scripted_thinking_is_a_block_before_the_text(
    client: AsyncAnthropic, sandbox: Sandbox
) -> None:
    sandbox.play(Step(thinking="Two and two", content="Four."))

    answer = await ask(client)

    thinking, text = answer.content
    assert thinking.type == "thinking"
    assert thinking.thinking == "Two and two"
    assert thinking.signature
    assert text.type == "text"
    assert answer.usage.output_tokens == 3 + 2


async def test_the_current_version_takes_no_sampling(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="top_p: Extra inputs"):
        await ask(client, extra_body={"top_p": 1})


async def test_the_old_version_takes_sampling(client: AsyncAnthropic) -> None:
    answer = await ask(
        client,
        extra_body={"temperature": 1.0},
        extra_headers={"anthropic-version": "2023-06-01"},
    )

    assert text_of(answer) == DEFAULT


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"messages": []}, "messages: Tuple should have at least 1 item"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages.0.role: Input"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater"),
        ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
        ({"model": ""}, "model: String should have at least 1 character"),
    ],
)
async def test_a_wrong_field_is_named(
    client: AsyncAnthropic, body: dict[str, object], problem: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=problem) as refusal:
        await ask(client, extra_body=body)

    assert refusal.value.type == "invalid_request_error"


async def test_a_missing_field_is_named(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Field required"):
        await client.post(
            "/v1/messages", body={"model": "m", "messages": [HELLO]}, cast_to=object
        )


async def test_a_body_that_is_no_json_is_refused(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="Invalid JSON"):
        await client.post("/v1/messages", content=b"{", cast_to=object)
