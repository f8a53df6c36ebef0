"""What Anthropic and Bedrock are asked for, read back as the chat that it was."""

from collections.abc import Mapping
from typing import Any

from agent_runner.proxy.translation.conversation import (
    Block,
    Chat,
    Image,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)

__all__ = ["chat_of_converse", "chat_of_messages"]


def chat_of_messages(body: Mapping[str, Any]) -> Chat:
    return Chat(
        turns=_turns(body, _block_of_anthropic),
        system=tuple(each["text"] for each in body.get("system", [])),
        tools=tuple(
            Tool(each["name"], each.get("description", ""), each["input_schema"])
            for each in body.get("tools", [])
        ),
        max_tokens=body["max_tokens"],
        stop=tuple(body.get("stop_sequences", [])),
    )


def chat_of_converse(body: Mapping[str, Any]) -> Chat:
    inference = body.get("inferenceConfig", {})
    specs = [each["toolSpec"] for each in body.get("toolConfig", {}).get("tools", [])]
    return Chat(
        turns=_turns(body, _block_of_converse),
        system=tuple(each["text"] for each in body.get("system", [])),
        tools=tuple(
            Tool(each["name"], each.get("description", ""), each["inputSchema"]["json"])
            for each in specs
        ),
        max_tokens=inference.get("maxTokens"),
        stop=tuple(inference.get("stopSequences", [])),
    )


def _turns(body: Mapping[str, Any], block: Any) -> tuple[Turn, ...]:
    return tuple(
        Turn(each["role"] == "user", tuple(block(part) for part in each["content"]))
        for each in body["messages"]
    )


def _block_of_anthropic(block: Mapping[str, Any]) -> Block:
    match block["type"]:
        case "text":
            return Text(block["text"])
        case "image":
            source = block["source"]
            return Image(source["media_type"].removeprefix("image/"), source["data"])
        case "tool_use":
            return ToolUse(block["id"], block["name"], block["input"])
        case _:
            return ToolResult(block["tool_use_id"], block["content"])


def _block_of_converse(block: Mapping[str, Any]) -> Block:
    match block:
        case {"text": text}:
            return Text(text)
        case {"image": {"format": kind, "source": {"bytes": data}}}:
            return Image(kind, data)
        case {"toolUse": {"toolUseId": use_id, "name": name, "input": given}}:
            return ToolUse(use_id, name, given)
        case _:
            result = block["toolResult"]
            return ToolResult(result["toolUseId"], result["content"][0]["text"])
