"""A chat as Bedrock's Converse is asked for it.

Source: the service model bedrock-runtime/2023-09-30 of botocore 1.44.
"""

import json
from typing import Any

from .claude import require_sampling
from .conversation import (
    Block,
    Chat,
    Choice,
    Document,
    Image,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    refused,
)

__all__ = ["converse_request"]


def converse_request(
    chat: Chat, *, model: str, max_tokens: int | None
) -> dict[str, Any]:
    """Raise `TranslationRefusedError`; *max_tokens* is for a chat that names none."""
    require_sampling(chat, model)
    body: dict[str, Any] = {"messages": [_message(each) for each in chat.turns]}
    if chat.system:
        body["system"] = [{"text": each} for each in chat.system]
    if inference := _inference(chat, max_tokens):
        body["inferenceConfig"] = inference
    if tools := _tools(chat):
        body["toolConfig"] = tools
    if output := _output(chat):
        body["outputConfig"] = output
    return body


def _message(turn: Turn) -> dict[str, Any]:
    return {
        "role": "user" if turn.is_users else "assistant",
        "content": [_block(each) for each in turn.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text(text):
            return {"text": text}
        case Image(url=url) if url:
            raise refused("messages", "holds an image by its address")
        case Image(kind, data):
            return {"image": {"format": kind, "source": {"bytes": data}}}
        case Document(name, data):
            source = {"bytes": data}
            return {"document": {"format": "pdf", "name": name, "source": source}}
        case ToolUse(use_id, name, given):
            return {"toolUse": {"toolUseId": use_id, "name": name, "input": given}}
        case ToolResult(use_id, text):
            content = [{"text": text}] if text else []
            return {"toolResult": {"toolUseId": use_id, "content": content}}


def _inference(chat: Chat, max_tokens: int | None) -> dict[str, Any]:
    told = {
        "maxTokens": chat.max_tokens or max_tokens,
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "stopSequences": list(chat.stop) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _tools(chat: Chat) -> dict[str, Any]:
    if not chat.tools:
        if _has_used_tools(chat):
            raise refused("tools", "must be told once tools were used")
        return {}
    if not chat.is_parallel:
        raise refused("parallel_tool_calls", "has no translation where it is false")
    if chat.choice is Choice.NONE:
        if _has_used_tools(chat):
            raise refused("tool_choice", "cannot be none after tools were used")
        return {}
    told: dict[str, Any] = {"tools": [{"toolSpec": _tool(each)} for each in chat.tools]}
    match chat.choice:
        case Choice.AUTO:
            told["toolChoice"] = {"auto": {}}
        case Choice.REQUIRED:
            told["toolChoice"] = {"any": {}}
        case Choice.NAMED:
            told["toolChoice"] = {"tool": {"name": chat.tool}}
        case _:
            pass
    return told


def _has_used_tools(chat: Chat) -> bool:
    return any(
        isinstance(block, ToolUse | ToolResult)
        for turn in chat.turns
        for block in turn.blocks
    )


def _tool(tool: Tool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": tool.name,
        "inputSchema": {"json": tool.parameters},
    }
    if tool.description:
        told["description"] = tool.description
    return told | {"strict": True} if tool.is_strict else told


def _output(chat: Chat) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if chat.schema is not None:
        schema = {"schema": json.dumps(chat.schema.schema), "name": chat.schema.name}
        if chat.schema.description:
            schema["description"] = chat.schema.description
        told["textFormat"] = {
            "type": "json_schema",
            "structure": {"jsonSchema": schema},
        }
    if chat.effort is not None:
        told["effort"] = chat.effort
    return told
