"""Responses of the sandbox provider, as OpenAI's own client reads them."""

import asyncio

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from ag2trust_sandbox import (
    ErrorDetail,
    FinishReason,
    Sandbox,
    Step,
    ToolCall,
    Usage,
    UsagePlace,
)

from .response_streams import ask, streamed

DEFAULT = "This is the sandbox provider, not a model. You said: Hello!"


async def test_the_default_answer_says_that_it_is_no_model(client: AsyncOpenAI) -> None:
    answer = await ask(client)

    assert answer.output_text == DEFAULT
    assert answer.status == "completed"
    assert answer.model == "gpt-5"
    assert answer.error is None
    assert answer.incomplete_details is None


async def test_the_synchronous_client_gets_the_same_answer(sandbox: Sandbox) -> None:
    def ask_both_ways() -> tuple[str, str]:
        with OpenAI(base_url=sandbox.base_url, api_key="sk-test") as client:
            whole = client.responses.create(model="gpt-5", input="Hello!")
            with client.responses.stream(model="gpt-5", input="Hello!") as stream:
                return whole.output_text, stream.get_final_response().output_text

    assert await asyncio.to_thread(ask_both_ways) == (DEFAULT, DEFAULT)


async def test_items_of_the_input_count_and_the_last_user_is_quoted(
    client: AsyncOpenAI,
) -> None:
    answer = await client.responses.create(
        model="gpt-5",
        instructions="Be brief.",
        input=[
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello!"}],
            },
            {
                "type": "function_call",
                "call_id": "c",
                "name": "add",
                "arguments": "{}",
            },
            {"type": "function_call_output", "call_id": "c", "output": "12345"},
        ],
    )

    assert answer.output_text == DEFAULT
    assert answer.usage is not None
    assert answer.usage.input_tokens == 3 + 2 + 2


async def test_an_image_counts_nothing(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(
        model="gpt-5",
        input=[
            {
                "role": "user",
                "content": [
                    {
                        "type": "input_image",
                        "image_url": "data:image/png;base64,AA==",
                        "detail": "auto",
                    },
                    {"type": "input_text", "text": "Hello!"},
                ],
            }
        ],
    )

    assert answer.output_text == DEFAULT
    assert answer.usage is not None
    assert answer.usage.input_tokens == 2


async def test_what_the_client_sent_is_echoed(client: AsyncOpenAI) -> None:
    answer = await ask(
        client,
        instructions="Be brief.",
        metadata={"usage": '{"input_tokens": 9}'},
        tools=[{"type": "function", "name": "add", "parameters": {}, "strict": True}],
        tool_choice="required",
        max_output_tokens=16,
        store=False,
    )

    assert answer.instructions == "Be brief."
    assert answer.metadata == {"usage": '{"input_tokens": 9}'}
    assert [tool.type for tool in answer.tools] == ["function"]
    assert answer.tool_choice == "required"
    assert answer.max_output_tokens == 16


async def test_usage_counts_as_in_chats(client: AsyncOpenAI) -> None:
    answer = await ask(client)

    assert answer.usage is not None
    assert answer.usage.input_tokens == 2
    assert answer.usage.output_tokens == 15
    assert answer.usage.total_tokens == 17


async def test_scripted_usage_is_sent_as_written(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    usage = Usage(
        prompt_tokens=2**63,
        completion_tokens=-1,
        total_tokens=7,
        cached_tokens=3,
        cache_write_tokens=9,
        long_cache_write_tokens=4,
        reasoning_tokens=1,
        extra={"of_another_day": 5},
    )
    sandbox.play(Step(usage=usage))

    answer = await ask(client)

    assert answer.usage is not None
    assert answer.usage.to_dict() == {
        "input_tokens": 2**63,
        "input_tokens_details": {
            "cached_tokens": 3,
            "cache_write_tokens": 9,
            "cache_write_tokens_details": {"ttl_30m_tokens": 5, "ttl_12h_tokens": 4},
        },
        "output_tokens": -1,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
        "of_another_day": 5,
    }


async def test_a_split_of_cache_writes_can_be_wrong_or_untold(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    wrong = Usage(prompt_tokens=9, cache_write_tokens=9, short_cache_write_tokens=1)
    untold = Usage(prompt_tokens=9, long_cache_write_tokens=None)
    sandbox.play(Step(usage=wrong), Step(usage=untold))

    answers = [await ask(client), await ask(client)]

    split, none = (
        each.usage.input_tokens_details.cache_write_tokens_details
        for each in answers
        if each.usage is not None
    )
    assert split is not None
    assert (split.ttl_30m_tokens, split.ttl_12h_tokens) == (1, 0)
    assert none is None


@pytest.mark.parametrize("place", [UsagePlace.LAST_CHOICE, UsagePlace.RUNNING])
async def test_usage_has_but_one_place(
    client: AsyncOpenAI, sandbox: Sandbox, place: UsagePlace
) -> None:
    sandbox.play(Step(usage_place=place))

    events = await streamed(client)

    assert events[0].type == "response.created"
    assert events[0].response.usage is None
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage is not None


async def test_usage_can_be_nowhere(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(usage_place=UsagePlace.NOWHERE))

    answer = await ask(client)

    assert answer.usage is None


async def test_tool_calls_are_answered(client: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.play(Step(tool_calls=(ToolCall(name="add", arguments='{"a": 1}'),)))

    answer = await ask(client)

    [call] = answer.output
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("add", '{"a": 1}')
    assert call.call_id.startswith("call_")
    assert answer.status == "completed"


async def test_scripted_thinking_is_a_summary_before_the_message(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(thinking="I think", content="So."), Step(thinking="I think"))

    events = await streamed(client)
    answer = await ask(client)

    kinds = [event.type for event in events]
    assert kinds[2:9] == [
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.usage is not None
    assert answer.usage.output_tokens_details.reasoning_tokens == 2
    assert answer.usage.output_tokens == 15 + 2


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (FinishReason.LENGTH, "max_output_tokens"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
    ],
)
async def test_an_answer_that_stops_early_is_incomplete(
    client: AsyncOpenAI, sandbox: Sandbox, reason: FinishReason, why: str
) -> None:
    sandbox.play(Step(content="Half", finish_reason=reason, repeat=2))

    answer = await ask(client)
    last = (await streamed(client))[-1]

    assert last.type == "response.incomplete"
    for response in (answer, last.response):
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == why
        assert response.usage is not None


async def test_the_default_answer_obeys_the_token_limit(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(
        model="gpt-5", input="Hello, " * 9, max_output_tokens=16
    )

    assert answer.status == "incomplete"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 16


async def test_a_failed_response_says_why_and_what_it_used(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            content="Half",
            finish_reason=FinishReason.FAILED,
            error=ErrorDetail(code="rate_limit_exceeded"),
            repeat=2,
        )
    )

    answer = await ask(client)
    last = (await streamed(client))[-1]

    assert last.type == "response.failed"
    for response in (answer, last.response):
        assert response.status == "failed"
        assert response.error is not None
        assert response.error.code == "rate_limit_exceeded"
        assert "Rate limit" in response.error.message
        assert response.output_text == "Half"
        assert response.usage is not None


async def test_only_responses_can_fail_in_their_answer(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    sandbox.play(Step(finish_reason=FinishReason.FAILED))

    with pytest.raises(openai.BadRequestError, match="ends with failed") as refusal:
        await client.chat.completions.create(
            model="gpt-5", messages=[{"role": "user", "content": "Hello!"}]
        )

    assert refusal.value.code == "sandbox_script_mismatch"


async def test_an_error_is_raised_in_the_clients_own_class(
    client: AsyncOpenAI, sandbox: Sandbox
) -> None:
    with pytest.raises(openai.RateLimitError) as failure:
        await client.with_options(max_retries=1).responses.create(
            model="sandbox-error-quota", input="Hello!"
        )

    assert failure.value.code == "insufficient_quota"
    assert sandbox.request_count == 2


async def test_nothing_is_stored(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await ask(client, previous_response_id="resp_1")

    assert refusal.value.code == "previous_response_not_found"
    assert refusal.value.param == "previous_response_id"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{"role": "robot"}]}, "input"),
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"model": ""}, "model"),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: AsyncOpenAI, body: dict[str, object], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await ask(client, extra_body=body)

    assert refusal.value.param == param
    assert refusal.value.code == "invalid_value"
