import json
from typing import Any

import pytest

from agent_runner.proxy.openai.requests import CHAT, read_request
from shared.contracts.agent_types import ProviderFeature

HOSTED, MCP, BACKGROUND, STORED = ProviderFeature
IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


def features(**fields: Any) -> set[ProviderFeature]:
    body = json.dumps({"model": "m", **fields}).encode()
    return set(read_request(CHAT, body).features)


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": "file_id item_reference mcp"}]},
        {"messages": user({"type": "text", "text": '{"file_id":"f"}'}, IMAGE)},
        {"messages": user({"type": "file", "file": {"file_data": "data:x"}})},
        {"messages": user({"type": "file", "file": {"file_id": None}})},
        {"messages": [{"role": "assistant", "audio": None}]},
        {"tools": [{"type": "function", "function": {"name": "file_id"}}]},
        {"tools": [{"type": "custom", "custom": {"name": "mcp"}}]},
        {"tools": [{"function": {"name": "f"}}]},
        {"tools": [{"type": "shell", "environment": {"type": "local"}}]},
        {"tools": [{"type": "local_shell"}, {"type": "apply_patch"}]},
        {"tools": None, "input": "file_id", "background": False, "prompt": None},
        {"web_search_options": None, "store": True, "metadata": {"file_id": "f"}},
        {"input": [{"type": "message", "role": "user", "content": "x"}]},
        {"input": [{"role": "user", "content": "x", "id": "msg_1"}]},
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
        {"input": [{"type": "function_call", "id": "fc_1", "arguments": "{}"}]},
        {"tools": "none", "messages": 7, "input": [None, 7, []]},
    ],
)
def test_a_plain_model_call_asks_for_nothing_more(fields: dict[str, Any]) -> None:
    assert features(**fields) == set()


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"web_search_options": {}}, {HOSTED}),
        ({"messages": {"file_id": 7}}, {STORED}),
        ({"background": True}, {BACKGROUND}),
        ({"previous_response_id": "resp_1"}, {STORED}),
        ({"conversation": "conv_1"}, {STORED}),
        ({"conversation": {"id": "conv_1"}}, {STORED}),
        ({"prompt": {"id": "pmpt_1"}}, {STORED}),
        ({"tools": [{"type": "web_search"}]}, {HOSTED}),
        ({"tools": [{"type": "web_search_2027_01_01"}]}, {HOSTED}),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]}, {HOSTED}),
        ({"tools": [{"type": "code_interpreter", "container": {}}]}, {HOSTED}),
        ({"tools": [{"type": "image_generation"}]}, {HOSTED}),
        ({"tools": [{"type": "programmatic_tool_calling"}]}, {HOSTED}),
        ({"tools": [{"type": "shell"}]}, {HOSTED}),
        (
            {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
            {HOSTED},
        ),
        ({"tools": [{"type": "mcp", "server_url": "https://x"}]}, {MCP}),
        ({"tools": [{"type": "function"}, {"type": "mcp"}]}, {MCP}),
        ({"tools": [{"type": ["function"]}]}, {HOSTED}),
        ({"tools": [{"type": {}}]}, {HOSTED}),
        (
            {"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]},
            {MCP},
        ),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, {STORED}),
        ({"input": [{"id": "msg_1"}]}, {STORED}),
        ({"input": [{"id": "msg_1", "type": None}]}, {STORED}),
        ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, {STORED}),
        ({"messages": user({"type": "file", "file": {"file_id": "f"}})}, {STORED}),
        (
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "output": [{"type": "input_image", "file_id": "f"}],
                    }
                ]
            },
            {STORED},
        ),
        (
            {"input": [{"role": "user", "content": [{"file_id": "f"}]}]},
            {STORED},
        ),
    ],
)
def test_what_reaches_beyond_the_call_is_found(
    fields: dict[str, Any], asked: set[ProviderFeature]
) -> None:
    assert features(**fields) == asked


def test_an_escaped_name_hides_nothing() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"file",'
        b'"file":{"file\\u005fid":"f"}}]}],"\\u0062ackground":true}'
    )

    assert read_request(CHAT, body).features == {STORED, BACKGROUND}
