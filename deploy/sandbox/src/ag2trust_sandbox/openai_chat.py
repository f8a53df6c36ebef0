"""Chat completions: the request read, the answer written, streamed or not.

Shapes: OpenAI API reference, "Chat Completions"; `openai.types.chat`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)

from .openai_errors import error_body
from .openai_wire import Stamp, encode_event, headers_of, whole_reply
from .reply import Reply, Stream, streamed
from .script import FinishReason, Step, ToolCall, Usage, UsagePlace
from .tokens import CHARACTERS_PER_TOKEN, tokens_in

__all__ = ["ChatRequest", "chat_reply"]

_EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
_END: Final = b"data: [DONE]\n\n"
_WORDS: Final = re.compile(r"\s*\S+|\s+")


class _Lenient(BaseModel):
    """Reads what an answer depends on and ignores the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Part(_Lenient):
    type: str
    text: str = ""


class Message(_Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[Part, ...] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or ())


class StreamOptions(_Lenient):
    include_usage: bool | None = None


class ChatRequest(_Lenient):
    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None

    @property
    def choice_count(self) -> int:
        return self.n or 1

    @property
    def token_limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def asks_for_usage(self) -> bool:
        """Whether the usage is wanted; only a stream can do without."""
        if not self.stream:
            return True
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def last_user_text(self) -> str:
        texts = (each.text for each in reversed(self.messages) if each.role == "user")
        return next(texts, "")

    @field_validator("stream_options")
    @classmethod
    def _is_streamed(
        cls, options: StreamOptions | None, others: ValidationInfo
    ) -> StreamOptions | None:
        if options is not None and not others.data.get("stream"):
            raise ValueError("only allowed when 'stream' is true")
        return options


@dataclass(frozen=True, slots=True)
class _Choice:
    """What every choice of an answer says."""

    frames: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason

    @property
    def content(self) -> str | None:
        return "".join(self.frames) if self.frames or not self.tool_calls else None

    @property
    def tokens(self) -> int:
        calls = (call.name + call.arguments for call in self.tool_calls)
        return tokens_in("".join((*self.frames, *calls)))


def chat_reply(chat: ChatRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *chat* with *step*; raises `RefusalError` if the step needs a stream."""
    choice = _choice(chat, step)
    usage = _usage(chat, step, choice)
    if chat.stream and step.is_success:
        headers = headers_of(step, stamp, _EVENT_STREAM)
        return streamed(step, headers, _stream(chat, step, stamp, choice, usage))
    return whole_reply(step, stamp, _completion(chat, stamp, choice, usage))


def _choice(chat: ChatRequest, step: Step) -> _Choice:
    if step.content is None and not step.tool_calls:
        return _default_choice(chat, step)
    default = FinishReason.TOOL_CALLS if step.tool_calls else FinishReason.STOP
    return _Choice(
        frames=_frames(step.content),
        tool_calls=step.tool_calls,
        finish_reason=step.finish_reason or default,
    )


def _frames(content: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if isinstance(content, str):
        return tuple(_WORDS.findall(content))
    return content or ()


def _default_choice(chat: ChatRequest, step: Step) -> _Choice:
    text = f"This is the sandbox provider, not a model. You said: {chat.last_user_text}"
    limit = chat.token_limit or tokens_in(text)
    fits = tokens_in(text) <= limit
    default = FinishReason.STOP if fits else FinishReason.LENGTH
    return _Choice(
        frames=_frames(text[: limit * CHARACTERS_PER_TOKEN]),
        tool_calls=(),
        finish_reason=step.finish_reason or default,
    )


def _usage(chat: ChatRequest, step: Step, choice: _Choice) -> JsonValue:
    """Return the usage object, or None where step or request want none."""
    if step.usage_place is UsagePlace.NOWHERE or not chat.asks_for_usage:
        return None
    usage = step.usage or Usage(
        prompt_tokens=sum(tokens_in(each.text) for each in chat.messages),
        completion_tokens=choice.tokens * chat.choice_count,
    )
    return _usage_object(usage)


def _usage_object(usage: Usage) -> JsonValue:
    total = usage.total_tokens
    if total is None:
        total = usage.prompt_tokens + usage.completion_tokens
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _completion(
    chat: ChatRequest, stamp: Stamp, choice: _Choice, usage: JsonValue
) -> dict[str, JsonValue]:
    body = _identity("chat.completion", chat, stamp)
    body["choices"] = [
        {
            "index": index,
            "message": _message(choice, stamp),
            "logprobs": None,
            "finish_reason": choice.finish_reason,
        }
        for index in range(chat.choice_count)
    ]
    if usage is not None:
        body["usage"] = usage
    return body


def _identity(kind: str, chat: ChatRequest, stamp: Stamp) -> dict[str, JsonValue]:
    return {
        "id": f"chatcmpl-{stamp.id}",
        "object": kind,
        "created": stamp.created,
        "model": chat.model,
        "service_tier": "default",
        "system_fingerprint": "fp_sandbox",
    }


def _message(choice: _Choice, stamp: Stamp) -> dict[str, JsonValue]:
    message: dict[str, JsonValue] = {
        "role": "assistant",
        "content": choice.content,
        "refusal": None,
        "annotations": [],
    }
    if choice.tool_calls:
        message["tool_calls"] = [
            _tool_call(call, stamp, position, arguments=call.arguments)
            for position, call in enumerate(choice.tool_calls)
        ]
    return message


def _tool_call(
    call: ToolCall, stamp: Stamp, position: int, *, arguments: str
) -> dict[str, JsonValue]:
    return {
        "id": call.id or f"call_{stamp.id[:24]}{position}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _stream(
    chat: ChatRequest, step: Step, stamp: Stamp, choice: _Choice, usage: JsonValue
) -> Stream:
    chunk = _identity("chat.completion.chunk", chat, stamp)
    if usage is not None:
        chunk["usage"] = None
    in_own_chunk = usage is not None and step.usage_place is UsagePlace.OWN_CHUNK
    content = [
        {**chunk, "choices": [each]}
        for delta, reason in _deltas(choice, stamp)
        for each in _chunk_choices(chat, delta, reason)
    ]
    if usage is not None and not in_own_chunk:
        content[-1]["usage"] = usage
    own_chunk = {**chunk, "choices": [], "usage": usage}
    return Stream(
        content=tuple(map(encode_event, content)),
        usage=(encode_event(own_chunk),) if in_own_chunk else (),
        end=_END,
        error=encode_event(error_body(step)),
    )


def _chunk_choices(
    chat: ChatRequest, delta: Mapping[str, JsonValue], reason: FinishReason | None
) -> Iterator[JsonValue]:
    for index in range(chat.choice_count):
        yield {
            "index": index,
            "delta": dict(delta),
            "logprobs": None,
            "finish_reason": reason,
        }


def _deltas(
    choice: _Choice, stamp: Stamp
) -> Iterator[tuple[dict[str, JsonValue], FinishReason | None]]:
    """One choice's deltas in order, the last with the finish reason."""
    first = "" if choice.content is not None else None
    yield {"role": "assistant", "content": first, "refusal": None}, None
    for frame in choice.frames:
        yield {"content": frame}, None
    for position, call in enumerate(choice.tool_calls):
        head = _tool_call(call, stamp, position, arguments="")
        yield {"tool_calls": [{"index": position, **head}]}, None
        rest: dict[str, JsonValue] = {"arguments": call.arguments}
        yield {"tool_calls": [{"index": position, "function": rest}]}, None
    yield {}, choice.finish_reason
