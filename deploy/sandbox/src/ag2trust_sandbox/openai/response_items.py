"""What a response consists of: reasoning, a message, calls of tools."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from ag2trust_sandbox.answer import Answer
from ag2trust_sandbox.script import ToolCall
from ag2trust_sandbox.stamp import Stamp

__all__ = ["OutputItem", "output_items"]

Members = dict[str, JsonValue]


class OutputItem(ABC):
    """An item as it begins, as it grows and as it is in the end."""

    id: str

    @property
    @abstractmethod
    def begun(self) -> Members:
        """The item in `response.output_item.added`."""

    @property
    @abstractmethod
    def whole(self) -> Members:
        """The item in `response.output_item.done` and in the response."""

    @abstractmethod
    def growth(self) -> Iterator[Members]:
        """Events in between, without `item_id`, `output_index`, `sequence_number`."""


@dataclass(frozen=True, slots=True)
class _Reasoning(OutputItem):
    id: str
    frames: tuple[str, ...]

    @property
    def begun(self) -> Members:
        return {"id": self.id, "type": "reasoning", "summary": []}

    @property
    def whole(self) -> Members:
        return {**self.begun, "summary": [self._part("".join(self.frames))]}

    def growth(self) -> Iterator[Members]:
        kind = "response.reasoning_summary"
        place: Members = {"summary_index": 0}
        text = "".join(self.frames)
        yield {"type": f"{kind}_part.added", **place, "part": self._part("")}
        for frame in self.frames:
            yield {"type": f"{kind}_text.delta", **place, "delta": frame}
        yield {"type": f"{kind}_text.done", **place, "text": text}
        yield {"type": f"{kind}_part.done", **place, "part": self._part(text)}

    @staticmethod
    def _part(text: str) -> Members:
        return {"type": "summary_text", "text": text}


@dataclass(frozen=True, slots=True)
class _Message(OutputItem):
    id: str
    frames: tuple[str, ...]
    status: str

    @property
    def begun(self) -> Members:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }

    @property
    def whole(self) -> Members:
        content: JsonValue = [self._part("".join(self.frames))]
        return {**self.begun, "status": self.status, "content": content}

    def growth(self) -> Iterator[Members]:
        place: Members = {"content_index": 0}
        text = "".join(self.frames)
        texts = {**place, "logprobs": []}
        yield {"type": "response.content_part.added", **place, "part": self._part("")}
        for frame in self.frames:
            yield {"type": "response.output_text.delta", **texts, "delta": frame}
        yield {"type": "response.output_text.done", **texts, "text": text}
        yield {"type": "response.content_part.done", **place, "part": self._part(text)}

    @staticmethod
    def _part(text: str) -> Members:
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


@dataclass(frozen=True, slots=True)
class _FunctionCall(OutputItem):
    id: str
    call_id: str
    call: ToolCall
    status: str

    @property
    def begun(self) -> Members:
        return {
            "id": self.id,
            "type": "function_call",
            "status": "in_progress",
            "call_id": self.call_id,
            "name": self.call.name,
            "arguments": "",
        }

    @property
    def whole(self) -> Members:
        arguments = self.call.arguments
        return {**self.begun, "status": self.status, "arguments": arguments}

    def growth(self) -> Iterator[Members]:
        kind = "response.function_call_arguments"
        yield {"type": f"{kind}.delta", "delta": self.call.arguments}
        yield {"type": f"{kind}.done", "arguments": self.call.arguments}


def output_items(
    answer: Answer, stamp: Stamp, *, is_whole: bool
) -> tuple[OutputItem, ...]:
    """Give the items of *answer*; `is_whole` says whether it got to its end."""
    status = "completed" if is_whole else "incomplete"
    return (*_texts(answer, stamp, status), *_calls(answer, stamp, status))


def _texts(answer: Answer, stamp: Stamp, status: str) -> Iterator[OutputItem]:
    if answer.thinking:
        yield _Reasoning(f"rs_{stamp.id}", answer.thinking)
    if answer.content is not None:
        yield _Message(f"msg_{stamp.id}", answer.frames, status)


def _calls(answer: Answer, stamp: Stamp, status: str) -> Iterator[OutputItem]:
    for position, call in enumerate(answer.tool_calls):
        yield _FunctionCall(
            id=f"fc_{stamp.id}{position}",
            call_id=call.id or f"call_{stamp.id[:24]}{position}",
            call=call,
            status=status,
        )
