"""A chat as Anthropic's Messages are asked for it.

Source: `anthropic` 2.12, `types/message_create_params.py`.
"""

from collections.abc import Mapping
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
)

__all__ = ["messages_request"]

_CHOICES = {
    Choice.AUTO: "auto",
    Choice.NONE: "none",
    Choice.REQUIRED: "any",
    Choice.NAMED: "tool",
}


def messages_request(
    chat: Chat, *, model: str, max_tokens: int, is_streamed: bool
) -> dict[str, Any]:
    """Raise `TranslationRefusedError`; *max_tokens* is for a chat that names none."""
    require_sampling(chat, model)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": chat.max_tokens or max_tokens,
        "messages": [_message(each) for each in chat.turns],
    }
    if chat.system:
        body["system"] = [{"type": "text", "text": each} for each in chat.system]
    if chat.tools:
        body["tools"] = [_tool(each) for each in chat.tools]
        body |= _tool_choice(chat)
    if chat.stop:
        body["stop_sequences"] = list(chat.stop)
    if chat.temperature is not None:
        body["temperature"] = chat.temperature
    if chat.top_p is not None:
        body["top_p"] = chat.top_p
    if output := _output(chat):
        body["output_config"] = output
    return body | {"stream": True} if is_streamed else body


def _message(turn: Turn) -> dict[str, Any]:
    return {
        "role": "user" if turn.is_users else "assistant",
        "content": [_block(each) for each in turn.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(url=url) if url:
            return {"type": "image", "source": {"type": "url", "url": url}}
        case Image(kind, data):
            return {"type": "image", "source": _base64(f"image/{kind}", data)}
        case Document(name, data):
            source = _base64("application/pdf", data)
            return {"type": "document", "title": name, "source": source}
        case ToolUse(use_id, name, given):
            return {"type": "tool_use", "id": use_id, "name": name, "input": given}
        case ToolResult(use_id, text):
            return {"type": "tool_result", "tool_use_id": use_id, "content": text}


def _base64(media_type: str, data: str) -> dict[str, Any]:
    return {"type": "base64", "media_type": media_type, "data": data}


def _tool(tool: Tool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": tool.name, "input_schema": tool.parameters}
    if tool.description:
        told["description"] = tool.description
    return told | {"strict": True} if tool.is_strict else told


def _tool_choice(chat: Chat) -> Mapping[str, Any]:
    choice = chat.choice
    if choice is None and chat.is_parallel:
        return {}
    told: dict[str, Any] = {"type": _CHOICES[choice or Choice.AUTO]}
    if choice is Choice.NAMED:
        told["name"] = chat.tool
    if not chat.is_parallel and choice is not Choice.NONE:
        told["disable_parallel_tool_use"] = True
    return {"tool_choice": told}


def _output(chat: Chat) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if chat.schema is not None:
        told["format"] = {"type": "json_schema", "schema": chat.schema.schema}
    if chat.effort is not None:
        told["effort"] = chat.effort
    return told
