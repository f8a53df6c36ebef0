"""What a chat or response asks of OpenAI beyond a plain model call.

Source: `openai` 3.54, `types/chat/completion_create_params.py`,
`types/responses/response_create_params.py` and what they name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from agent_runner.proxy.features import may_name, objects_in
from shared.contracts.agent_types import ProviderFeature

__all__ = ["features_of"]

# What the client runs itself, or what only looks through the request's own tools. A
# tool of any other type is the provider's to run.
_PLAIN_TOOLS = (
    None,  # some compatible servers take a function without its type
    "apply_patch",
    "computer",
    "computer_use_preview",
    "custom",
    "function",
    "local_shell",
    "namespace",
    "tool_search",
)
_TOOLS_IN_ITEMS = ("additional_tools", "tool_search_output")
_STORED = ("previous_response_id", "conversation", "prompt")
# Without these a request asks for nothing beyond what its messages do.
_TELLING = frozenset({"background", "web_search_options", "tools", "input", *_STORED})


def features_of(body: Mapping[str, Any], raw: bytes) -> frozenset[ProviderFeature]:
    """Find them in *body*, which is *raw* taken apart."""
    if _is_plain(body) and not may_name(raw, b"file_id"):
        return frozenset()
    return frozenset(_features(body, raw))


def _is_plain(body: Mapping[str, Any]) -> bool:
    """Tell at a glance most requests, which may be conversations of a hundred turns."""
    return _TELLING.isdisjoint(body) and all(
        map(_is_plain_message, _objects(body.get("messages")))
    )


def _is_plain_message(item: Mapping[str, Any]) -> bool:
    return "role" in item and "type" not in item and item.get("audio") is None


def _features(body: Mapping[str, Any], raw: bytes) -> Iterator[ProviderFeature]:
    if body.get("background"):
        yield ProviderFeature.BACKGROUND
    if body.get("web_search_options") is not None:
        yield ProviderFeature.HOSTED_TOOLS
    if any(body.get(name) is not None for name in _STORED):
        yield ProviderFeature.STORED_OBJECTS
    yield from _features_of_tools(body.get("tools"))
    for item in (*_objects(body.get("messages")), *_objects(body.get("input"))):
        yield from _features_of_item(item)
    if may_name(raw, b"file_id"):
        said = objects_in([body.get("messages"), body.get("input")])
        if any(each.get("file_id") is not None for each in said):
            yield ProviderFeature.STORED_OBJECTS


def _features_of_item(item: Mapping[str, Any]) -> Iterator[ProviderFeature]:
    """Look at one message or item; tools may join in the middle of a conversation."""
    kind = item.get("type")
    if kind == "item_reference" or (kind is None and "role" not in item):
        yield ProviderFeature.STORED_OBJECTS
    if item.get("audio") is not None:  # an earlier answer, by its id
        yield ProviderFeature.STORED_OBJECTS
    if kind in _TOOLS_IN_ITEMS:
        yield from _features_of_tools(item.get("tools"))


def _features_of_tools(tools: object) -> Iterator[ProviderFeature]:
    for tool in _objects(tools):
        kind = tool.get("type")
        if kind == "mcp":
            yield ProviderFeature.REMOTE_MCP
        elif kind not in _PLAIN_TOOLS and not _is_local_shell(tool):
            yield ProviderFeature.HOSTED_TOOLS


def _is_local_shell(tool: Mapping[str, Any]) -> bool:
    environment = tool.get("environment")
    is_local = isinstance(environment, dict) and environment.get("type") == "local"
    return tool.get("type") == "shell" and is_local


def _objects(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict)]
