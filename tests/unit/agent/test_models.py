"""The official clients of the three provider types, against the sandbox."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Literal
from uuid import uuid4

import pytest

from ag2trust_agent.conversation import (
    Answered,
    Asked,
    Conversation,
    Returned,
    ToolCall,
    ToolResult,
)
from ag2trust_agent.errors import EnvironmentIncompleteError, ModelCallError
from ag2trust_agent.models import Model, connect
from ag2trust_agent.protocol import Configuration, Tool
from ag2trust_sandbox import ErrorDetail, Fault, FinishReason, Sandbox, Step, serving
from ag2trust_sandbox import ToolCall as Calling

from .providers import environment_of

ProviderType = Literal["openai", "anthropic", "bedrock"]
TYPES: tuple[ProviderType, ...] = ("openai", "anthropic", "bedrock")

WEATHER = Tool(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
LATER: Conversation = (
    Asked("What is the weather?"),
    Answered("One moment.", (ToolCall("call_1", "weather", '{"city": "Bern"}'),)),
    Returned((ToolResult("call_1", "Rain."),)),
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as sandbox:
        yield sandbox


@pytest.fixture(params=TYPES)
def provider_type(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> ProviderType:
    kind: ProviderType = request.param
    for name, value in environment_of(kind, sandbox).items():
        monkeypatch.setenv(name, value)
    return kind


def configuration(provider_type: ProviderType, **more: Any) -> Configuration:
    return Configuration.model_validate(
        {
            "agent_id": uuid4(),
            "name": "ada",
            "provider_type": provider_type,
            "model": "sandbox-echo",
            "system_prompt": "You are brief.",
            **more,
        }
    )


async def spoken(model: Model, conversation: Conversation) -> list[str | ToolCall]:
    async with asyncio.timeout(30), aclosing(model.speak(conversation)) as pieces:
        return [piece async for piece in pieces]


async def test_an_answer_comes_piece_by_piece(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("Good ", "day.")))

    async with connect(configuration(provider_type)) as model:
        assert await spoken(model, [Asked("Hi")]) == ["Good ", "day."]


async def test_a_piece_comes_before_the_next_is_made(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("a", "b"), fault=Fault.HANG, after_frames=4))

    async with (
        asyncio.timeout(30),
        connect(configuration(provider_type)) as model,
        aclosing(model.speak([Asked("Hi")])) as pieces,
    ):
        assert await anext(pieces) == "a"


async def test_the_conversation_is_sent_with_the_prompt(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    conversation = (Asked("Hi"), Answered("Hello"), Asked("How much?"))

    async with connect(configuration(provider_type)) as model:
        await spoken(model, conversation)

    [request] = sandbox.requests
    body = json.dumps(request.json)
    for words in ("You are brief.", "Hi", "Hello", "How much?"):
        assert words in body
    told: Any = request.json
    roles = [each["role"] for each in told["messages"]]
    assert [role for role in roles if role != "system"] == ["user", "assistant", "user"]


async def test_temperature_and_output_limit_are_sent_when_they_are_set(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    set_up = configuration(provider_type, temperature=0.25, max_tokens=77)

    async with connect(set_up) as model:
        await spoken(model, [Asked("Hi")])
    async with connect(configuration(provider_type)) as model:
        await spoken(model, [Asked("Hi")])

    limited, free = (json.dumps(each.json) for each in sandbox.requests)
    assert "0.25" in limited
    assert "77" in limited
    assert "emperature" not in free


async def test_tools_are_offered_and_called(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(
            content="One moment.",
            tool_calls=(
                Calling(name="weather", arguments='{"city": "Bern"}', id="call_1"),
                Calling(name="weather", arguments="{}", id="call_2"),
            ),
        )
    )

    async with connect(configuration(provider_type, tools=[WEATHER])) as model:
        pieces = await spoken(model, [Asked("What is the weather?")])

    text = "".join(piece for piece in pieces if isinstance(piece, str))
    calls = [piece for piece in pieces if isinstance(piece, ToolCall)]
    assert text == "One moment."
    assert [(each.id, each.name) for each in calls] == [
        ("call_1", "weather"),
        ("call_2", "weather"),
    ]
    assert [json.loads(each.arguments) for each in calls] == [{"city": "Bern"}, {}]
    assert "Tells the weather." in json.dumps(sandbox.requests[0].json)


@pytest.mark.parametrize("is_error", [False, True])
async def test_what_tools_gave_is_told(
    provider_type: ProviderType, sandbox: Sandbox, *, is_error: bool
) -> None:
    sandbox.play(Step(content="It rains."))
    returned = Returned((ToolResult("call_1", "Rain.", is_error=is_error),))

    async with connect(configuration(provider_type, tools=[WEATHER])) as model:
        pieces = await spoken(model, [*LATER[:2], returned])

    assert "".join(map(str, pieces)) == "It rains."
    body = json.dumps(sandbox.requests[0].json)
    assert "Rain." in body
    assert body.count("call_1") == 2


@pytest.mark.parametrize("content", ["", "  "])
async def test_a_call_without_words_can_be_told(
    provider_type: ProviderType, sandbox: Sandbox, content: str
) -> None:
    sandbox.play(Step(content="It rains."))
    silent = Answered(content, (ToolCall("call_1", "weather", "no JSON"),))

    async with connect(configuration(provider_type, tools=[WEATHER])) as model:
        pieces = await spoken(model, [LATER[0], silent, LATER[2]])

    assert "".join(map(str, pieces)) == "It rains."


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_REQUEST"),
        (404, "MODEL_NOT_AVAILABLE"),
        (429, "RATE_LIMITED"),
        (500, "PROVIDER_ERROR"),
    ],
)
async def test_a_refusal_is_explained_by_its_status(
    provider_type: ProviderType, sandbox: Sandbox, *, status: int, code: str
) -> None:
    sandbox.play(Step(status=status, headers={"retry-after": "0"}, repeat=9))

    async with connect(configuration(provider_type)) as model:
        with pytest.raises(ModelCallError, match=f"HTTP {status}") as caught:
            await spoken(model, [Asked("Hi")])

    assert caught.value.code == code


async def test_a_refusal_quotes_no_more_than_a_plain_name(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    detail = ErrorDetail(message="Bad key sk-any", type="sk-any", code="sk-any-1")
    sandbox.play(Step(status=400, error=detail))

    async with connect(configuration(provider_type)) as model:
        with pytest.raises(ModelCallError) as caught:
            await spoken(model, [Asked("Hi")])

    assert "sk-any" not in str(caught.value)


async def test_the_proxys_own_refusal_is_named(
    provider_type: ProviderType, sandbox: Sandbox
) -> None:
    headers = {"x-ag2trust-error": "BUDGET_EXCEEDED", "x-should-retry": "false"}
    sandbox.play(Step(status=400, headers=headers))

    async with connect(configuration(provider_type)) as model:
        with pytest.raises(ModelCallError, match="BUDGET_EXCEEDED"):
            await spoken(model, [Asked("Hi")])


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step(content=("a", "b", "c"), fault=Fault.CUT_AFTER_FRAMES, after_frames=3),
         {"UPSTREAM_UNREACHABLE", "PROVIDER_ERROR"}),
        (Step(content="a", finish_reason=FinishReason.CONTENT_FILTER),
         {"CONTENT_FILTERED"}),
        (Step(content=("a", "b"), fault=Fault.ERROR_EVENT_AFTER_FRAMES, after_frames=3),
         {"PROVIDER_ERROR"}),
        (Step(content=("a", "b"), fault=Fault.MALFORMED_FRAME, after_frames=3),
         {"PROVIDER_ERROR", "UPSTREAM_UNREACHABLE"}),
    ],
    ids=["cut", "filtered", "error event", "malformed"],
)  # fmt: skip
async def test_an_answer_that_goes_wrong_midway_is_a_failure(
    provider_type: ProviderType, sandbox: Sandbox, *, step: Step, code: set[str]
) -> None:
    sandbox.play(step)

    async with connect(configuration(provider_type)) as model:
        with pytest.raises(ModelCallError) as caught:
            await spoken(model, [Asked("Hi")])

    assert caught.value.code in code


async def test_a_provider_that_nobody_runs_is_told_as_that(
    provider_type: ProviderType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "OPENAI_BASE_URL",
        "ANTHROPIC_BASE_URL",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    ):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with connect(configuration(provider_type)) as model:
        with pytest.raises(ModelCallError) as caught:
            await spoken(model, [Asked("Hi")])

    assert caught.value.code == "UPSTREAM_UNREACHABLE"


@pytest.mark.parametrize(
    ("provider_type", "name"),
    [
        ("openai", "OPENAI_BASE_URL"),
        ("openai", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_BASE_URL"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("bedrock", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        ("bedrock", "AWS_REGION"),
    ],
    indirect=["provider_type"],
)
async def test_no_client_goes_around_the_proxy(
    provider_type: ProviderType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(EnvironmentIncompleteError, match=name):
        async with connect(configuration(provider_type)):
            pass


async def test_proxies_of_the_environment_are_not_used(
    provider_type: ProviderType, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sandbox.play(Step(content="Hello"))

    async with connect(configuration(provider_type)) as model:
        assert await spoken(model, [Asked("Hi")]) == ["Hello"]
