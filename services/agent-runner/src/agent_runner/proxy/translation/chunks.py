"""Events of Anthropic's and Bedrock's streams, as chunks of a chat completion.

Sources: Anthropic, "Streaming messages"; the service model (`ConverseStreamOutput`);
`openai` 3.54, `types/chat/chat_completion_chunk.py`.
"""

import json
from collections.abc import Mapping
from typing import Any

from agent_runner.used import Used

from .answers import FINISH_REASONS, Stamp, usage_told

__all__ = ["Chunks"]

_DONE = b"data: [DONE]\n\n"
_PING = b": ping\n\n"
_ANSWER_BROKEN = "The model's answer is not well-formed."


class Chunks:
    """Says in chunks what events say, one after another.

    Tool calls are counted apart from other blocks: the first is 0. *tells_usage*: the
    client asked for it (`stream_options.include_usage`).
    """

    def __init__(self, stamp: Stamp, *, tells_usage: bool) -> None:
        self._stamp = stamp
        self._tells_usage = tells_usage
        self._calls: dict[int, int] = {}
        self._empty_call: int | None = None

    def begun(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        return self._chunk({"content": text}) if text else b""

    def call_begun(self, block: int, call_id: str, name: str) -> bytes:
        index = self._calls.setdefault(block, len(self._calls))
        self._empty_call = block
        function = {"name": name, "arguments": ""}
        call = {"id": call_id, "type": "function", "function": function}
        return self._chunk({"tool_calls": [{"index": index, **call}]})

    def arguments(self, block: int, piece: str) -> bytes:
        if not piece or block not in self._calls:
            return b""
        if self._empty_call == block:
            self._empty_call = None
        call = {"index": self._calls[block], "function": {"arguments": piece}}
        return self._chunk({"tool_calls": [call]})

    def block_ended(self, block: int) -> bytes:
        """Give a call without arguments an object without members."""
        return self.arguments(block, "{}") if self._empty_call == block else b""

    def finished(self, reason: object) -> bytes:
        """Tell why the model stopped; what is no reason to stop is an error."""
        if str(reason) not in FINISH_REASONS:
            return self.failed(_ANSWER_BROKEN, "server_error", "provider_error")
        return self._chunk({}, finish_reason=FINISH_REASONS[str(reason)])

    def done(self, usage: Used | None) -> bytes:
        if not self._tells_usage or usage is None:
            return _DONE
        told = self._told() | {"choices": [], "usage": usage_told(usage)}
        return _event(told) + _DONE

    def ping(self) -> bytes:
        return _PING

    def failed(self, message: str, kind: str, code: str) -> bytes:
        error = {"message": message, "type": kind, "param": None, "code": code}
        return _event({"error": error})

    def _chunk(
        self, delta: Mapping[str, Any], *, finish_reason: str | None = None
    ) -> bytes:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        told = self._told() | {"choices": [choice]}
        return _event(told | {"usage": None} if self._tells_usage else told)

    def _told(self) -> dict[str, Any]:
        return {
            "id": self._stamp.id,
            "object": "chat.completion.chunk",
            "created": self._stamp.created,
            "model": self._stamp.model,
            "system_fingerprint": None,
        }


def _event(told: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"
