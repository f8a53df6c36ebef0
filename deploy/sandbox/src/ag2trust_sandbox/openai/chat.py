"""Chat completions: the request read, the answer written, streamed or not.

Shapes: OpenAI API reference, "Chat Completions"; `openai.types.chat`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from ag2trust_sandbox.answer import Answer, Prompt, answer_to, reason_among, usage_of
from ag2trust_sandbox.encoding import MALFORMED_EVENT, encode_event
from ag2trust_sandbox.parsing import Lenient
from ag2trust_sandbox.reply import Reply, Stream
from ag2trust_sandbox.script import FinishReason, Step, ToolCall, Usage, UsagePlace
from ag2trust_sandbox.stamp import Stamp

from .errors import error_object
from .wire import OPENAI

__all__ = ["ChatRequest", "chat_reply"]

_END: Final = b"data: [DONE]\n\n"
_REASONS: Final = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
}


class Part(Lenient):
    type: str
    text: str = ""


class Message(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[Part, ...] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or ())


class StreamOptions(Lenient):
    include_usage: bool | None = None


class ChatRequest(Lenient):
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
    def asks_for_usage(self) -> bool:
        """Whether the usage is wanted; only a stream can do without."""
        if not self.stream:
            return True
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def prompt(self) -> Prompt:
        said = (each.text for each in reversed(self.messages) if each.role == "user")
        return Prompt(
            texts=tuple(each.text for each in self.messages),
            last_user_text=next(said, ""),
            token_limit=self.max_completion_tokens or self.max_tokens,
        )

    @field_validator("stream_options")
    @classmethod
    def _is_streamed(
        cls, options: StreamOptions | None, others: ValidationInfo
    ) -> StreamOptions | None:
        if options is not None and not others.data.get("stream"):
            raise ValueError("only allowed when 'stream' is true")
        return options


@dataclass(frozen=True, slots=True)
class _Said:
    """What every choice says, why it ends, and the usage unless it is not told."""

    answer: Answer
    reason: str
    usage: Usage | None


def chat_reply(chat: ChatRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *chat* with *step*; raises `RefusalError` if the step cannot."""
    said = _said(chat, step)
    if chat.stream and step.is_success:
        return OPENAI.stream_reply(step, stamp, _stream(chat, step, stamp, said))
    return OPENAI.whole_reply(step, stamp, _completion(chat, stamp, said))


def _said(chat: ChatRequest, step: Step) -> _Said:
    answer = answer_to(chat.prompt, step)
    usage = usage_of(chat.prompt, step, answer, choice_count=chat.choice_count)
    is_told = chat.asks_for_usage and step.usage_place is not UsagePlace.NOWHERE
    return _Said(answer, reason_among(_REASONS, answer), usage if is_told else None)


def _completion(chat: ChatRequest, stamp: Stamp, said: _Said) -> dict[str, JsonValue]:
    body = _identity("chat.completion", chat, stamp)
    body["choices"] = [
        {
            "index": index,
            "message": _message(said.answer, stamp),
            "logprobs": None,
            "finish_reason": said.reason,
        }
        for index in range(chat.choice_count)
    ]
    if said.usage is not None:
        body["usage"] = _usage_object(said.usage)
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


def _message(answer: Answer, stamp: Stamp) -> dict[str, JsonValue]:
    message: dict[str, JsonValue] = {
        "role": "assistant",
        "content": answer.content,
        "refusal": None,
        "annotations": [],
    }
    if answer.tool_calls:
        message["tool_calls"] = [
            _tool_call(call, stamp, position, arguments=call.arguments)
            for position, call in enumerate(answer.tool_calls)
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


def _usage_object(usage: Usage) -> JsonValue:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total,
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
        **usage.extra,
    }


def _stream(chat: ChatRequest, step: Step, stamp: Stamp, said: _Said) -> Stream:
    chunk = _identity("chat.completion.chunk", chat, stamp)
    choices = [
        each
        for delta, ending in _deltas(said, stamp)
        for each in _chunk_choices(chat, delta, ending)
    ]
    told = _usage_beside_choices(said.usage, step.usage_place, chunks=len(choices))
    return Stream(
        content=tuple(
            encode_event({**chunk, "choices": [choice], **each})
            for choice, each in zip(choices, told, strict=True)
        ),
        usage=tuple(
            encode_event({**chunk, "choices": [], "usage": each})
            for each in _usage_alone(said.usage, step.usage_place)
        ),
        end=(_END,),
        error=encode_event({"error": error_object(step)}),
        malformed=MALFORMED_EVENT,
    )


def _usage_beside_choices(
    usage: Usage | None, place: UsagePlace, *, chunks: int
) -> Iterator[dict[str, JsonValue]]:
    """Give what each chunk with a choice says of the usage: null until it is due."""
    for number in range(1, chunks + 1):
        if usage is None:
            yield {}
        elif place is UsagePlace.RUNNING:
            yield {"usage": _usage_object(usage.so_far(number, of=chunks))}
        elif place is UsagePlace.LAST_CHOICE and number == chunks:
            yield {"usage": _usage_object(usage)}
        else:
            yield {"usage": None}


def _usage_alone(usage: Usage | None, place: UsagePlace) -> Iterator[JsonValue]:
    if usage is not None and place is not UsagePlace.LAST_CHOICE:
        yield _usage_object(usage)


def _chunk_choices(
    chat: ChatRequest, delta: Mapping[str, JsonValue], reason: str | None
) -> Iterator[JsonValue]:
    for index in range(chat.choice_count):
        yield {
            "index": index,
            "delta": dict(delta),
            "logprobs": None,
            "finish_reason": reason,
        }


def _deltas(
    said: _Said, stamp: Stamp
) -> Iterator[tuple[dict[str, JsonValue], str | None]]:
    """One choice's deltas in order, the last with the finish reason."""
    answer = said.answer
    first = "" if answer.content is not None else None
    yield {"role": "assistant", "content": first, "refusal": None}, None
    for frame in answer.frames:
        yield {"content": frame}, None
    for position, call in enumerate(answer.tool_calls):
        head = _tool_call(call, stamp, position, arguments="")
        yield {"tool_calls": [{"index": position, **head}]}, None
        rest: dict[str, JsonValue] = {"arguments": call.arguments}
        yield {"tool_calls": [{"index": position, "function": rest}]}, None
    yield {}, said.reason
