"""What a message asks of Anthropic beyond a plain model call.

Source: `anthropic` 2.12, `types/beta/message_create_params.py` and what it names.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent_runner.proxy.features import may_name, objects_in
from shared.contracts.agent_types import ProviderFeature

__all__ = ["features_of"]

# What the client runs itself, or what only looks through the request's own tools. A
# tool of any other type is the provider's to run.
_PLAIN_TOOL = re.compile(
    r"custom|(bash|text_editor|computer|computer_toolset|memory"
    r"|tool_search_tool_(bm25|regex))(_[0-9]{8})?"
)
_STORED = ("container", "thread")
_FILES = ("file", "container_upload")

# What a tool was called with is data of the conversation, whatever it looks like.
_DATA = ("input",)


def features_of(body: Mapping[str, Any], raw: bytes) -> frozenset[ProviderFeature]:
    """Find them in *body*, which is *raw* taken apart."""
    return frozenset(_features(body, raw))


def _features(body: Mapping[str, Any], raw: bytes) -> Iterator[ProviderFeature]:
    if body.get("mcp_servers"):
        yield ProviderFeature.REMOTE_MCP
    if any(body.get(name) is not None for name in _STORED):
        yield ProviderFeature.STORED_OBJECTS
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        yield from _features_of_tool(tool)
    if may_name(raw, b"file_id", b"tool_definition"):
        said = [body.get("system"), body.get("messages")]
        for block in objects_in(said, except_below=_DATA):
            yield from _features_of_block(block)


def _features_of_block(block: Mapping[str, Any]) -> Iterator[ProviderFeature]:
    """Look at a block of a message; tools may join in the middle of a conversation."""
    if block.get("type") in _FILES and block.get("file_id") is not None:
        yield ProviderFeature.STORED_OBJECTS
    if block.get("type") == "tool_definition":
        yield from _features_of_tool(block.get("definition"))


def _features_of_tool(tool: object) -> Iterator[ProviderFeature]:
    if not isinstance(tool, dict):
        return
    kind = tool.get("type")
    if kind == "mcp_toolset":
        yield ProviderFeature.REMOTE_MCP
    elif kind is not None and not _PLAIN_TOOL.fullmatch(str(kind)):
        yield ProviderFeature.HOSTED_TOOLS
