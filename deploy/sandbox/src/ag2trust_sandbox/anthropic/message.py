"""A message of Claude, whole or in events, before it is put on a wire.

Bedrock sends the same in frames of its own. Shapes and order of events: Anthropic's
documentation, "Streaming messages"; `anthropic.types.Message`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.answer import Answer, reason_among
from ag2trust_sandbox.script import FinishReason, Usage, UsagePlace

from .blocks import growing_blocks, whole_blocks
from .usage import delta_usage, opening_usage, whole_usage

__all__ = ["Event", "Message"]

_REASONS: Final = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}
_NOTHING_YET: Final = Usage(prompt_tokens=0)

Event = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Message:
    """`key` is what its ids have after their `msg_` and `toolu_`."""

    key: str
    model: str
    answer: Answer
    usage: Usage
    usage_place: UsagePlace

    def whole(self) -> Event:
        """Give the message at once; raises `RefusalError` if it cannot be said so."""
        blocks = whole_blocks(self.answer, tool_prefix=self._tool_prefix)
        return {
            **self._head,
            "content": list(blocks),
            **self._ending,
            **self._told(whole_usage(self.usage)),
        }

    def content_events(self) -> Iterator[Event]:
        """Give all events before the one with the final usage."""
        yield {"type": "message_start", "message": self._begun}
        blocks = growing_blocks(self.answer, tool_prefix=self._tool_prefix)
        for index, block in enumerate(blocks):
            place: Event = {"index": index}
            start: Event = {"type": "content_block_start", **place}
            yield {**start, "content_block": block.begun}
            if index == 0:
                yield {"type": "ping"}
            for delta in block.deltas:
                yield {"type": "content_block_delta", **place, "delta": delta}
            yield {"type": "content_block_stop", **place}
        if self.usage_place is UsagePlace.RUNNING:
            so_far = delta_usage(self.usage.so_far(1, of=2))
            yield {"type": "message_delta", "delta": _unended(), "usage": so_far}

    def usage_event(self) -> Event:
        """Give the last `message_delta`; raises `RefusalError` as `whole` does."""
        is_only_place = self.usage_place is UsagePlace.LAST_CHOICE
        usage = whole_usage if is_only_place else delta_usage
        told = self._told(usage(self.usage))
        return {"type": "message_delta", "delta": self._ending, **told}

    def end_event(self) -> Event:
        return {"type": "message_stop"}

    @property
    def _head(self) -> Event:
        return {
            "id": f"msg_{self.key}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
        }

    @property
    def _begun(self) -> Event:
        is_told_later = self.usage_place is UsagePlace.LAST_CHOICE
        usage = (
            delta_usage(_NOTHING_YET) if is_told_later else opening_usage(self.usage)
        )
        return {**self._head, "content": [], **_unended(), **self._told(usage)}

    @property
    def _ending(self) -> Event:
        return {**_unended(), "stop_reason": reason_among(_REASONS, self.answer)}

    @property
    def _tool_prefix(self) -> str:
        return f"toolu_{self.key}"

    def _told(self, usage: Event) -> Event:
        return {} if self.usage_place is UsagePlace.NOWHERE else {"usage": usage}


def _unended() -> Event:
    return {"stop_reason": None, "stop_sequence": None, "stop_details": None}
