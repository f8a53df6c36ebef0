"""Reading a chat's messages as turns: both other formats want them to alternate."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .conversation import (
    Block,
    Document,
    Image,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    refused,
)

__all__ = ["system_and_turns"]

_SYSTEM = ("system", "developer")
_IMAGE = re.compile(r"data:image/(jpe?g|png|gif|webp);base64,([A-Za-z0-9+/=]+)")
_PDF = re.compile(r"data:application/pdf;base64,([A-Za-z0-9+/=]+)")
# What both Anthropic and Bedrock take.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_LONGEST_NAME = 200


def system_and_turns(
    messages: Sequence[Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[Turn, ...]]:
    """Read the instructions at the head, then turns from the user's to the user's."""
    system: list[str] = []
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        if message.get("role") not in _SYSTEM:
            _add(turns, _turn(message, where))
        elif turns:
            raise refused(where, "gives instructions in the middle")
        else:
            system += [each.text for each in _texts(message.get("content"), where)]
    if not turns or not turns[0].is_users:
        raise refused("messages", "must begin with the user's")
    if not turns[-1].is_users:
        raise refused("messages", "must not end with the assistant's")
    return tuple(system), tuple(turns)


def _add(turns: list[Turn], turn: Turn) -> None:
    """Let what one side says in several messages be one turn."""
    if not turn.blocks:
        return
    if turns and turns[-1].is_users is turn.is_users:
        turn = Turn(turn.is_users, (*turns.pop().blocks, *turn.blocks))
    turns.append(turn)


def _turn(message: Mapping[str, Any], where: str) -> Turn:
    content = message.get("content")
    match message.get("role"):
        case "user":
            return Turn(is_users=True, blocks=tuple(_said(content, where)))
        case "tool":
            text = "".join(each.text for each in _texts(content, where))
            result = ToolResult(_tool_id(message.get("tool_call_id"), where), text)
            return Turn(is_users=True, blocks=(result,))
        case "assistant":
            return Turn(is_users=False, blocks=tuple(_answered(message, where)))
        case _:
            raise refused(where, "is of a role without translation")


def _answered(message: Mapping[str, Any], where: str) -> Iterator[Block]:
    for name in ("audio", "function_call"):
        if message.get(name) is not None:
            raise refused(f"{where}.{name}", "has no translation")
    yield from _texts(message.get("content"), where)
    yield from _texts(message.get("refusal"), where)
    for call in message.get("tool_calls") or []:
        match call:
            case {
                "type": "function",
                "id": call_id,
                "function": {"name": str() as name, "arguments": str() as arguments},
            }:
                yield ToolUse(
                    _tool_id(call_id, where), name, _arguments(arguments, where)
                )
            case _:
                raise refused(f"{where}.tool_calls", "holds what is no function's call")


def _said(content: object, where: str) -> Iterator[Block]:
    for part in _parts(content, where):
        match part:
            case {"type": "text", "text": str() as text}:
                if text:
                    yield Text(text)
            case {"type": "image_url", "image_url": {"url": str() as url}}:
                yield _image(url, where)
            case {"type": "file", "file": {"file_data": str() as data, **more}}:
                yield _document(data, str(more.get("filename") or ""), where)
            case _:
                raise refused(where, "holds a part without translation")


def _texts(content: object, where: str) -> Iterator[Text]:
    for part in _parts(content, where):
        match part:
            case {"type": "text", "text": str() as text} | {
                "type": "refusal",
                "refusal": str() as text,
            }:
                if text:
                    yield Text(text)
            case _:
                raise refused(where, "holds a part that is no text")


def _parts(content: object, where: str) -> Sequence[object]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return content
    raise refused(where, "has a content that is none")


def _image(url: str, where: str) -> Image:
    if found := _IMAGE.fullmatch(url):
        return Image(kind=found[1].replace("jpg", "jpeg"), data=found[2])
    if url.startswith("https://"):
        return Image(url=url)
    raise refused(where, "holds an image that is no jpeg, png, gif or webp")


def _document(data: str, name: str, where: str) -> Document:
    found = _PDF.fullmatch(data)
    if found is None:
        raise refused(where, "holds a file that is no PDF")
    tidy = " ".join(_NOT_OF_A_NAME.sub(" ", name.removesuffix(".pdf")).split())
    return Document(tidy[:_LONGEST_NAME].strip() or "document", found[1])


def _tool_id(given: object, where: str) -> str:
    """Keep an id that everybody takes; another becomes one, always the same."""
    if not isinstance(given, str) or not given:
        raise refused(where, "has no id of a tool call")
    if _ID.fullmatch(given):
        return given
    digest = hashlib.sha256(given.encode(errors="surrogatepass"))
    return f"call_{digest.hexdigest()[:40]}"


def _arguments(text: str, where: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise refused(f"{where}.tool_calls", "holds arguments that are no JSON object")
    return parsed
