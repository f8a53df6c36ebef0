"""The blocks of a conversation's answer, whole or in events."""

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.answer import Answer, arguments_of
from ag2trust_sandbox.script import ToolCall
from ag2trust_sandbox.stamp import Stamp

__all__ = ["growing_events", "whole_blocks"]

_SIGNATURE: Final = "c2FuZGJveA=="
"""`sandbox` in base64, for thinking that nobody will verify."""

Members = dict[str, JsonValue]
Block = tuple[Members | None, tuple[Members, ...]]
"""What starts a block, if anything does, and its deltas."""


def whole_blocks(answer: Answer, stamp: Stamp) -> Iterator[JsonValue]:
    """Give the blocks; raises `RefusalError` if arguments of a tool are no object."""
    if answer.thinking:
        thinking: Members = {"text": "".join(answer.thinking), "signature": _SIGNATURE}
        yield {"reasoningContent": {"reasoningText": thinking}}
    if answer.frames:
        yield {"text": "".join(answer.frames)}
    for position, call in enumerate(answer.tool_calls):
        head = _call_head(call, stamp, position)
        yield {"toolUse": {**head, "input": arguments_of(call)}}


def growing_events(answer: Answer, stamp: Stamp) -> Iterator[tuple[str, Members]]:
    """Give the events of the same blocks, arguments of tools as written.

    Only calls of tools are started: text and thinking begin with their first delta.
    """
    for index, (start, deltas) in enumerate(_growing_blocks(answer, stamp)):
        place: Members = {"contentBlockIndex": index}
        if start is not None:
            yield "contentBlockStart", {**place, "start": start}
        for delta in deltas:
            yield "contentBlockDelta", {**place, "delta": delta}
        yield "contentBlockStop", place


def _growing_blocks(answer: Answer, stamp: Stamp) -> Iterator[Block]:
    if answer.thinking:
        texts = ({"text": frame} for frame in answer.thinking)
        thoughts = (*texts, {"signature": _SIGNATURE})
        yield None, tuple({"reasoningContent": dict(each)} for each in thoughts)
    if answer.frames:
        yield None, tuple({"text": frame} for frame in answer.frames)
    for position, call in enumerate(answer.tool_calls):
        start: Members = {"toolUse": _call_head(call, stamp, position)}
        yield start, ({"toolUse": {"input": call.arguments}},)


def _call_head(call: ToolCall, stamp: Stamp, position: int) -> Members:
    tool_use_id = call.id or f"tooluse_{stamp.id[:22]}{position}"
    return {"toolUseId": tool_use_id, "name": call.name}
