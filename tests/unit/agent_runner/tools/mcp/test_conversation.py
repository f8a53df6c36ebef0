"""Conversations with MCP servers, held against the official package's own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from mcp_types import TextContent

from agent_runner.tools.mcp.conversation import conversing
from shared.guarded_http import GuardedHttp

from .leased import TOKEN, leased
from .official_server import OfficialServer, serving_officially

LONG = timedelta(minutes=1)
KINDS: list[dict[str, bool]] = [
    {},
    {"json_response": True},
    {"stateless": True},
    {"json_response": True, "stateless": True},
]


@pytest.fixture(params=KINDS, ids=lambda kind: "+".join(kind) or "usual")
async def official(request: Any) -> AsyncIterator[OfficialServer]:
    async with serving_officially(**request.param) as served:
        yield served


async def test_the_tools_of_a_server_are_listed_as_it_has_them(
    http: GuardedHttp, official: OfficialServer
) -> None:
    async with conversing(http, leased(official.url), within=LONG) as conversation:
        tools = await conversation.tools()

    assert [each.name for each in tools] == ["add", "fail", "draw"]
    assert tools[0].description == "Add two numbers."
    assert set(tools[0].input_schema["properties"]) == {"one", "other"}


async def test_a_tool_is_called_and_gives_what_it_gives(
    http: GuardedHttp, official: OfficialServer
) -> None:
    async with conversing(http, leased(official.url), within=LONG) as conversation:
        result = await conversation.call("add", {"one": 2, "other": 40})

    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == "42"
    assert not result.is_error


async def test_a_tool_that_fails_is_told_apart(
    http: GuardedHttp, official: OfficialServer
) -> None:
    async with conversing(http, leased(official.url), within=LONG) as conversation:
        result = await conversation.call("fail", {})

    assert result.is_error


async def test_every_request_says_who_asks_and_no_stream_is_opened(
    http: GuardedHttp, official: OfficialServer
) -> None:
    async with conversing(http, leased(official.url), within=LONG) as conversation:
        await conversation.tools()

    assert {each["authorization"] for each in official.heard} == {f"Bearer {TOKEN}"}
    assert "GET" not in official.methods
    for each in official.heard[1:]:
        assert each["mcp-protocol-version"] == "2025-11-25"


async def test_a_session_is_kept_to_and_ended(http: GuardedHttp) -> None:
    async with (
        serving_officially() as official,
        conversing(http, leased(official.url), within=LONG) as conversation,
    ):
        await conversation.tools()

    sessions = {each.get("mcp-session-id") for each in official.heard[1:]}
    assert official.methods == ["POST", "POST", "POST", "DELETE"]
    assert len(sessions) == 1
    assert None not in sessions
