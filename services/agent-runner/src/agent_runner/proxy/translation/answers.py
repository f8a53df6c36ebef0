"""Answers of Anthropic and Bedrock, as a chat completion tells them.

Source: `openai` 3.54, `types/chat/chat_completion.py`. Thinking and citations have no
place in it and are left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_runner.proxy.usage import object_at
from agent_runner.used import Used

__all__ = [
    "FINISH_REASONS",
    "Piece",
    "Said",
    "Stamp",
    "completion",
    "said_by_anthropic",
    "said_by_converse",
    "usage_told",
]

FINISH_REASONS: Mapping[str, str] = {
    "content_filtered": "content_filter",
    "end_turn": "stop",
    "guardrail_intervened": "content_filter",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}
"""By the reason to stop of either; one that is not here is no answer."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an answer says of itself; *created* in seconds since 1970."""

    id: str
    model: str
    created: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A call of a tool; *arguments* are JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """*finish_reason* None: the answer did not end as answers do."""

    text: str | None
    calls: tuple[Piece, ...]
    finish_reason: str | None


def said_by_anthropic(message: Mapping[str, Any]) -> Said:
    blocks = [*_objects(message.get("content"))]
    texts = [str(each.get("text")) for each in blocks if each.get("type") == "text"]
    calls = [each for each in blocks if each.get("type") == "tool_use"]
    return _said(texts, calls, id_name="id", reason=message.get("stop_reason"))


def said_by_converse(body: Mapping[str, Any]) -> Said:
    message = object_at(object_at(body, "output"), "message")
    blocks = [*_objects(message.get("content"))]
    texts = [each["text"] for each in blocks if isinstance(each.get("text"), str)]
    calls = [object_at(each, "toolUse") for each in blocks if "toolUse" in each]
    return _said(texts, calls, id_name="toolUseId", reason=body.get("stopReason"))


def completion(said: Said, usage: Used | None, stamp: Stamp) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text,
        "refusal": None,
    }
    if said.calls:
        message["tool_calls"] = [
            {
                "id": each.id,
                "type": "function",
                "function": {"name": each.name, "arguments": each.arguments},
            }
            for each in said.calls
        ]
    told = {
        "id": stamp.id,
        "object": "chat.completion",
        "created": stamp.created,
        "model": stamp.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": said.finish_reason,
            }
        ],
        "system_fingerprint": None,
    }
    return told | {"usage": usage_told(usage)} if usage else told


def usage_told(usage: Used) -> dict[str, Any]:
    """Tell usage as OpenAI does: what concerns the cache is in the prompt's tokens."""
    cached = usage.cached_input_tokens or 0
    written = (usage.cache_write_5m_tokens or 0) + (usage.cache_write_1h_tokens or 0)
    prompt = (usage.input_tokens or 0) + cached + written
    output = usage.output_tokens or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {
            "cached_tokens": cached,
            "cache_write_tokens": written,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
    }


def _said(
    texts: Sequence[str],
    calls: Sequence[Mapping[str, Any]],
    *,
    id_name: str,
    reason: object,
) -> Said:
    return Said(
        text="".join(texts) if texts else None,
        calls=tuple(
            Piece(
                str(each.get(id_name)),
                str(each.get("name")),
                json.dumps(each.get("input") or {}, separators=(",", ":")),
            )
            for each in calls
        ),
        finish_reason=FINISH_REASONS.get(str(reason)),
    )


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))
