"""Chats of OpenAI's, asked of Anthropic and of Bedrock's Converse."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.translation.asking_anthropic import messages_request
from agent_runner.proxy.translation.asking_converse import converse_request
from agent_runner.proxy.translation.conversation import Chat, ToolResult, ToolUse
from agent_runner.proxy.translation.reading import chat_in
from shared.errors import TranslationRefusedError

from .reading_back import chat_of_converse, chat_of_messages

HELLO = {"role": "user", "content": "Hello!"}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="
FUNCTION = {"name": "weather", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Ulm"}'},
}
AFTER_A_CALL = [
    HELLO,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
]


def read(*messages: Any, **fields: Any) -> Chat:
    return chat_in({"model": "m", "messages": list(messages) or [HELLO], **fields})


def to_anthropic(chat: Chat, model: str = "claude-sonnet-4-5") -> dict[str, Any]:
    return messages_request(chat, model=model, max_tokens=4096, is_streamed=False)


def to_converse(chat: Chat, model: str = "amazon.nova-pro-v1:0") -> dict[str, Any]:
    return converse_request(chat, model=model, max_tokens=None)


def param(chat_or_fields: Any, *, model: str = "claude-sonnet-4-5") -> str:
    """Say which field is refused, in one of the formats or in both."""
    with pytest.raises(TranslationRefusedError) as refused:
        to_anthropic(read(**chat_or_fields), model)
    return str(refused.value.details["param"])


def test_instructions_come_before_the_turns() -> None:
    chat = read(
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        HELLO,
    )

    assert to_anthropic(chat)["system"] == [
        {"type": "text", "text": "Be kind."},
        {"type": "text", "text": "Be brief."},
    ]
    assert to_converse(chat)["system"] == [{"text": "Be kind."}, {"text": "Be brief."}]


def test_results_of_parallel_calls_are_one_turn_before_the_users_text() -> None:
    other = {**CALL, "id": "call_2"}
    chat = read(
        HELLO,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL, other]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {"role": "user", "content": "And?"},
        tools=[TOOL],
    )

    _, asked, answered = to_anthropic(chat)["messages"]
    _, _, of_converse = to_converse(chat)["messages"]

    assert [each["type"] for each in asked["content"]] == [
        "text",
        "tool_use",
        "tool_use",
    ]
    assert asked["content"][1]["input"] == {"city": "Ulm"}
    assert answered["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "Rain."},
        {"type": "tool_result", "tool_use_id": "call_2", "content": ""},
        {"type": "text", "text": "And?"},
    ]
    assert of_converse["content"][0] == {
        "toolResult": {"toolUseId": "call_1", "content": [{"text": "Rain."}]}
    }


def test_an_id_that_not_everybody_takes_becomes_one_on_both_sides() -> None:
    strange = "call:" + "x" * 80
    chat = read(
        HELLO,
        {"role": "assistant", "tool_calls": [{**CALL, "id": strange}]},
        {"role": "tool", "tool_call_id": strange, "content": "Rain."},
    )

    (use,), (result,) = (turn.blocks for turn in chat.turns[1:])

    assert isinstance(use, ToolUse)
    assert isinstance(result, ToolResult)
    assert use.id == result.id
    assert len(use.id) <= 64


def test_images_and_documents_are_passed_on() -> None:
    chat = read(
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                {
                    "type": "file",
                    "file": {"file_data": PDF, "filename": "the_plan.v2.pdf"},
                },
                {"type": "text", "text": "What is this?"},
            ],
        }
    )

    image, document, _ = to_anthropic(chat)["messages"][0]["content"]
    of_converse = to_converse(chat)["messages"][0]["content"]

    png = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert image == {"type": "image", "source": png}
    assert document["source"]["media_type"] == "application/pdf"
    assert of_converse[0]["image"]["source"] == {"bytes": "iVBORw0KGgo="}
    assert of_converse[1]["document"]["name"] == "the plan v2"


def test_an_image_by_its_address_is_for_anthropic_alone() -> None:
    url = "https://example.org/a.png"
    chat = read(
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    )

    (image,) = to_anthropic(chat)["messages"][0]["content"]

    assert image["source"] == {"type": "url", "url": url}
    with pytest.raises(TranslationRefusedError):
        to_converse(chat)


@pytest.mark.parametrize(
    ("choice", "anthropic", "converse"),
    [
        ("auto", {"type": "auto"}, {"auto": {}}),
        ("required", {"type": "any"}, {"any": {}}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "tool", "name": "weather"},
            {"tool": {"name": "weather"}},
        ),
    ],
    ids=["auto", "required", "named"],
)
def test_a_choice_of_tools_is_the_same_elsewhere(
    choice: Any, anthropic: Any, converse: Any
) -> None:
    chat = read(tools=[TOOL], tool_choice=choice)

    assert to_anthropic(chat)["tool_choice"] == anthropic
    assert to_converse(chat)["toolConfig"]["toolChoice"] == converse


def test_no_tool_is_a_choice_too_but_of_converse_only_before_the_first() -> None:
    before = read(tools=[TOOL], tool_choice="none")
    after = read(*AFTER_A_CALL, tools=[TOOL], tool_choice="none")

    assert to_anthropic(after)["tool_choice"] == {"type": "none"}
    assert "toolConfig" not in to_converse(before)
    with pytest.raises(TranslationRefusedError):
        to_converse(after)


def test_converse_wants_to_be_told_of_tools_that_were_used() -> None:
    chat = read(*AFTER_A_CALL)

    assert "tools" not in to_anthropic(chat)
    with pytest.raises(TranslationRefusedError) as refused:
        to_converse(chat)
    assert refused.value.details == {"param": "tools"}


def test_only_the_allowed_tools_are_told() -> None:
    other = {"type": "function", "function": {"name": "news"}}
    allowed = {"mode": "auto", "tools": [other]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}

    chat = read(tools=[TOOL, other], tool_choice=choice)

    assert [each["name"] for each in to_anthropic(chat)["tools"]] == ["news"]


def test_one_call_at_a_time_is_for_anthropic_alone() -> None:
    chat = read(tools=[TOOL], parallel_tool_calls=False)

    assert to_anthropic(chat)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    with pytest.raises(TranslationRefusedError):
        to_converse(chat)


def test_a_schema_is_the_same_elsewhere() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    chat = read(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "place", "schema": schema, "strict": True},
        }
    )

    told = to_converse(chat)["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert to_anthropic(chat)["output_config"]["format"]["schema"] == schema
    assert json.loads(told["schema"]) == schema


def test_limits_and_sampling_are_passed_on() -> None:
    chat = read(max_tokens=5, max_completion_tokens=7, temperature=0.5, stop="END")

    of_anthropic, of_converse = to_anthropic(chat), to_converse(chat)

    assert of_anthropic["max_tokens"] == 7
    assert of_anthropic["temperature"] == 0.5
    assert of_anthropic["stop_sequences"] == ["END"]
    assert of_converse["inferenceConfig"] == {
        "maxTokens": 7,
        "temperature": 0.5,
        "stopSequences": ["END"],
    }


def test_a_chat_without_a_limit_has_the_types_or_none_where_none_is_needed() -> None:
    assert to_anthropic(read())["max_tokens"] == 4096
    assert "inferenceConfig" not in to_converse(read())


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"temperature": 1, "top_p": 1.0, "logit_bias": {}, "store": False},
        {"user": "ada", "metadata": {"a": "b"}, "service_tier": "auto", "seed": None},
        {"response_format": {"type": "text"}, "reasoning_effort": "none"},
    ],
    ids=range(4),
)
def test_what_asks_for_nothing_is_left_out(fields: Any) -> None:
    assert to_anthropic(read(**fields)) == to_anthropic(read())


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"seed": 7}, "seed"),
        ({"presence_penalty": 0.1}, "presence_penalty"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"store": True}, "store"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"functions": [FUNCTION]}, "functions"),
        ({"something_new": 1}, "something_new"),
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"stop": ["a", " "]}, "stop"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"max_tokens": 0}, "max_completion_tokens"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_has_no_translation_is_refused_by_its_name(
    fields: Any, named: str
) -> None:
    assert param(fields) == named


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([], "messages"),
        ([{"role": "assistant", "content": "Hi."}, HELLO], "messages"),
        ([HELLO, {"role": "assistant", "content": "Hi."}], "messages"),
        ([HELLO, {"role": "system", "content": "Be kind."}], "messages.1"),
        ([{"role": "function", "name": "f", "content": "x"}], "messages.0"),
        ([{"role": "user", "content": ""}], "messages"),
        (
            [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
            "messages.0",
        ),
        (
            [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}],
            "messages.0",
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "http://a.org/b"}}
                    ],
                }
            ],
            "messages.0",
        ),
        (
            [
                HELLO,
                {
                    "role": "assistant",
                    "tool_calls": [
                        {**CALL, "function": {"name": "f", "arguments": "[1"}}
                    ],
                },
            ],
            "messages.1.tool_calls",
        ),
    ],
    ids=range(10),
)
def test_messages_without_translation_are_refused_by_their_place(
    messages: Any, named: str
) -> None:
    assert param({"messages": messages}) == named


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-3-5-sonnet-20241022", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-opus-4-6", True),
        ("claude-opus-4-7", False),
        ("us.anthropic.claude-opus-5-5-20260901-v1:0", False),
        ("claude-opus-5", False),
        ("amazon.nova-pro-v1:0", True),
    ],
)
def test_newer_models_of_claude_take_no_sampling(model: str, *, takes: bool) -> None:
    chat = read(temperature=0.5)

    if takes:
        assert to_anthropic(chat, model)["temperature"] == 0.5
    else:
        with pytest.raises(TranslationRefusedError):
            to_converse(chat, model)


_TEXT = st.text(min_size=1, max_size=20)
_NAME = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
_CALLS = st.lists(
    st.builds(
        lambda call_id, name, given: {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        },
        _NAME,
        _NAME,
        st.dictionaries(_TEXT, st.integers() | _TEXT | st.none(), max_size=3),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda call: call["id"],
)
_PART = st.one_of(
    _TEXT.map(lambda text: {"type": "text", "text": text}),
    st.sampled_from(["png", "gif", "jpeg", "webp"]).map(
        lambda kind: {
            "type": "image_url",
            "image_url": {"url": f"data:image/{kind};base64,AAAA"},
        }
    ),
)
_USERS = st.builds(
    lambda content: {"role": "user", "content": content},
    _TEXT | st.lists(_PART, min_size=1, max_size=3),
)


@st.composite
def chats(draw: st.DrawFn) -> dict[str, Any]:
    """Make a chat that has a translation into both formats."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": text}
        for text in draw(st.lists(_TEXT, max_size=2))
    ]
    for _ in range(draw(st.integers(0, 3))):
        messages.append(draw(_USERS))
        if draw(st.booleans()):
            calls = draw(_CALLS)
            messages.append({"role": "assistant", "tool_calls": calls})
            messages += [
                {"role": "tool", "tool_call_id": each["id"], "content": draw(_TEXT)}
                for each in calls
            ]
        else:
            messages.append({"role": "assistant", "content": draw(_TEXT)})
    messages.append(draw(_USERS))
    tool = st.builds(
        lambda name, text: {
            "type": "function",
            "function": {"name": name, "description": text, "parameters": {"a": text}},
        },
        _NAME,
        _TEXT,
    )
    return {
        "model": "m",
        "messages": messages,
        "tools": draw(st.lists(tool, min_size=1, max_size=3)),
        "max_tokens": draw(st.integers(1, 9999)),
        "stop": draw(st.none() | st.just(["END"])),
    }


@given(chats())
def test_nothing_that_was_said_is_lost_on_either_way(body: dict[str, Any]) -> None:
    chat = chat_in(body)

    assert chat_of_messages(to_anthropic(chat)) == chat
    assert chat_of_converse(to_converse(chat)) == chat


@given(chats())
def test_turns_alternate_from_the_user_to_the_user(body: dict[str, Any]) -> None:
    roles = [each["role"] for each in to_converse(chat_in(body))["messages"]]

    assert roles[0] == roles[-1] == "user"
    assert all(one != next_one for one, next_one in pairwise(roles))
