import json
from typing import Any

import pytest

from agent_runner.proxy.anthropic.requests import read_request, route_of
from shared.contracts.agent_types import ProviderFeature

HOSTED, MCP, _, STORED = ProviderFeature
FILE = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}


def features(**fields: Any) -> set[ProviderFeature]:
    body = json.dumps({"model": "m", **fields}).encode()
    return set(read_request(route_of("POST", "messages", ""), body).features)


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": "file_id tool_definition"}]},
        {"messages": user({"type": "image", "source": {"type": "base64"}})},
        {"messages": user({"type": "image", "source": {"type": "url", "url": "x"}})},
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "input": {"x": FILE["source"]}}],
                }
            ]
        },
        {"messages": user({"type": "text", "citations": [{"file_id": "f"}]})},
        {"tools": [{"name": "f", "input_schema": {"file_id": {"type": "string"}}}]},
        {"tools": [{"type": "custom", "name": "f"}]},
        {"tools": [{"type": "bash_20250124"}, {"type": "text_editor_20250728"}]},
        {"tools": [{"type": "computer_20251124"}, {"type": "memory_20250818"}]},
        {"tools": [{"type": "computer_toolset_20260801"}]},
        {"tools": [{"type": "tool_search_tool_regex"}]},
        {"tools": [{"type": "tool_search_tool_bm25_20251119"}]},
        {"tools": None, "mcp_servers": [], "container": None, "thread": None},
        {"tools": "none", "messages": 7, "system": "file_id"},
    ],
)
def test_a_plain_model_call_asks_for_nothing_more(fields: dict[str, Any]) -> None:
    assert features(**fields) == set()


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"mcp_servers": [{"type": "url", "url": "https://x"}]}, {MCP}),
        ({"tools": [{"type": "mcp_toolset", "mcp_server_name": "x"}]}, {MCP}),
        ({"tools": [{"type": "web_search_20250305"}]}, {HOSTED}),
        ({"tools": [{"type": "web_fetch_20270101"}]}, {HOSTED}),
        ({"tools": [{"type": "code_execution_20260521"}]}, {HOSTED}),
        ({"tools": [{"type": "advisor_20260301", "model": "dear"}]}, {HOSTED}),
        ({"tools": [{"type": "bash_code_execution_20250101"}]}, {HOSTED}),
        ({"tools": [{"type": "bash_20250124\n"}]}, {HOSTED}),
        ({"tools": [{"type": ["custom"]}]}, {HOSTED}),
        ({"container": "container_1"}, {STORED}),
        ({"container": {"skills": [{"skill_id": "xlsx"}]}}, {STORED}),
        ({"thread": {"type": "continue", "id": "t"}}, {STORED}),
        ({"messages": user(FILE)}, {STORED}),
        ({"system": [FILE]}, {STORED}),
        ({"messages": user({"type": "tool_result", "content": [FILE]})}, {STORED}),
        (
            {
                "messages": user(
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [FILE]},
                    }
                )
            },
            {STORED},
        ),
        ({"messages": user({"type": "container_upload", "file_id": "f"})}, {STORED}),
        (
            {
                "messages": user(
                    {
                        "type": "tool_addition",
                        "tool": {
                            "type": "tool_definition",
                            "definition": {"type": "mcp_toolset"},
                        },
                    }
                )
            },
            {MCP},
        ),
    ],
)
def test_what_reaches_beyond_the_call_is_found(
    fields: dict[str, Any], asked: set[ProviderFeature]
) -> None:
    assert features(**fields) == asked


def test_an_escaped_name_hides_nothing() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"image",'
        b'"source":{"type":"file","file\\u005fid":"f"}}]}]}'
    )

    assert read_request(route_of("POST", "messages", ""), body).features == {STORED}
