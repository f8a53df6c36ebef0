"""The blocks of an answer: thinking, text, calls of tools; whole or growing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.answer import Answer, arguments_of

__all__ = ["GrowingBlock", "growing_blocks", "whole_blocks"]

_SIGNATURE: Final = "c2FuZGJveA=="
"""`sandbox` in base64, for thinking that nobody will verify."""

Members = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class GrowingBlock:
    """A block as `content_block_start` has it, and its deltas."""

    begun: Members
    deltas: tuple[Members, ...]


def whole_blocks(answer: Answer, *, tool_prefix: str) -> Iterator[JsonValue]:
    """Give the blocks; raises `RefusalError` if arguments of a tool are no object.

    Calls without an id of their own get *tool_prefix* and their position.
    """
    if answer.thinking:
        thinking = "".join(answer.thinking)
        yield {"type": "thinking", "thinking": thinking, "signature": _SIGNATURE}
    if answer.frames:
        yield {"type": "text", "text": "".join(answer.frames)}
    for position, call in enumerate(answer.tool_calls):
        begun = _begun_call(call.id or f"{tool_prefix}{position}", call.name)
        yield {**begun, "input": arguments_of(call)}


def growing_blocks(answer: Answer, *, tool_prefix: str) -> Iterator[GrowingBlock]:
    """Give the same blocks as they are streamed, arguments of tools as written."""
    if answer.thinking:
        yield _growing_thinking(answer.thinking)
    if answer.frames:
        yield _growing_text(answer.frames)
    for position, call in enumerate(answer.tool_calls):
        begun = _begun_call(call.id or f"{tool_prefix}{position}", call.name)
        yield GrowingBlock(begun, tuple(map(_json_delta, ("", call.arguments))))


def _begun_call(call_id: str, name: str) -> Members:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def _growing_thinking(frames: tuple[str, ...]) -> GrowingBlock:
    signature: Members = {"type": "signature_delta", "signature": _SIGNATURE}
    deltas: Iterator[Members] = (
        {"type": "thinking_delta", "thinking": frame} for frame in frames
    )
    begun: Members = {"type": "thinking", "thinking": "", "signature": ""}
    return GrowingBlock(begun, (*deltas, signature))


def _growing_text(frames: tuple[str, ...]) -> GrowingBlock:
    deltas = tuple[Members, ...](
        {"type": "text_delta", "text": frame} for frame in frames
    )
    return GrowingBlock({"type": "text", "text": ""}, deltas)


def _json_delta(text: str) -> Members:
    return {"type": "input_json_delta", "partial_json": text}
