import json
from typing import Any

import pytest

from agent_runner.proxy.bedrock.requests import read_request, route_of
from shared.contracts.agent_types import ProviderFeature

HOSTED, MCP, _, STORED = ProviderFeature
BUCKET = {"s3Location": {"uri": "s3://another/secret.png"}}
IMAGE = {"image": {"format": "png", "source": BUCKET}}


def features(operation: str, **fields: Any) -> set[ProviderFeature]:
    route = route_of("POST", f"model/m/{operation}", "")
    return set(read_request(route, json.dumps(fields).encode()).features)


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": user({"text": "s3Location"})},
        {"messages": user({"image": {"format": "png", "source": {"bytes": "eA=="}}})},
        {"messages": user({"toolUse": {"name": "f", "input": BUCKET}})},
        {"messages": user({"toolResult": {"content": [{"json": BUCKET}]}})},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "systemTool"}}]}},
        {"toolConfig": None, "additionalModelRequestFields": {"top_k": 5}},
    ],
)
def test_a_plain_conversation_asks_for_nothing_more(fields: dict[str, Any]) -> None:
    assert features("converse", **fields) == set()


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"toolConfig": {"tools": [{"systemTool": {"name": "x"}}]}}, {HOSTED}),
        ({"messages": user(IMAGE)}, {STORED}),
        ({"system": [IMAGE]}, {STORED}),
        ({"messages": user({"toolResult": {"content": [IMAGE]}})}, {STORED}),
        (
            {
                "additionalModelRequestFields": {
                    "tools": [{"type": "web_search_20250305"}]
                }
            },
            {HOSTED},
        ),
        ({"additionalModelRequestFields": {"mcp_servers": [{}]}}, {MCP}),
    ],
)
def test_what_reaches_beyond_a_conversation_is_found(
    fields: dict[str, Any], asked: set[ProviderFeature]
) -> None:
    assert features("converse-stream", **fields) == asked


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"prompt": "s3Location"}, set()),
        ({"tools": [{"name": "f", "input_schema": {}}]}, set()),
        ({"tools": [{"type": "code_execution_20250522"}]}, {HOSTED}),
        ({"mcp_servers": [{"url": "https://x"}]}, {MCP}),
        ({"messages": user(IMAGE)}, {STORED}),
        (
            {
                "messages": user(
                    {"type": "image", "source": {"type": "file", "file_id": "f"}}
                )
            },
            {STORED},
        ),
    ],
)
def test_what_reaches_beyond_an_invocation_is_found(
    fields: dict[str, Any], asked: set[ProviderFeature]
) -> None:
    assert features("invoke", **fields) == asked
