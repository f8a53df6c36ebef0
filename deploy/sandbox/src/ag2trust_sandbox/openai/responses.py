"""Responses: the request read, the answer written, streamed or not.

Shapes: OpenAI API reference, "Responses"; `openai.types.responses`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from ag2trust_sandbox.answer import Answer, Prompt, answer_to, usage_of
from ag2trust_sandbox.parsing import Lenient
from ag2trust_sandbox.refusal import RefusalError
from ag2trust_sandbox.reply import Reply, Stream
from ag2trust_sandbox.script import (
    ErrorDetail,
    FinishReason,
    Step,
    Usage,
    UsagePlace,
)
from ag2trust_sandbox.stamp import Stamp

from .errors import error_object
from .response_events import response_stream
from .response_items import output_items
from .wire import OPENAI

__all__ = ["ResponsesRequest", "responses_reply"]

_STATUSES: Final = {
    FinishReason.STOP: "completed",
    FinishReason.TOOL_CALLS: "completed",
    FinishReason.LENGTH: "incomplete",
    FinishReason.CONTENT_FILTER: "incomplete",
    FinishReason.FAILED: "failed",
}
_WHY_INCOMPLETE: Final = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}


class Part(Lenient):
    type: str
    text: str = ""


Text = str | tuple[Part, ...]


class Item(Lenient):
    """One item of the input; what carries text counts, whatever its type."""

    type: str = "message"
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Text | None = None
    output: Text | None = None

    @property
    def text(self) -> str:
        text = self.content or self.output or ""
        return text if isinstance(text, str) else "".join(part.text for part in text)


class ResponsesRequest(Lenient):
    model: Annotated[str, Field(min_length=1)]
    input: str | Annotated[tuple[Item, ...], Field(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    previous_response_id: str | None = None
    metadata: dict[str, JsonValue] | None = None
    tools: list[JsonValue] = Field(default_factory=list)
    tool_choice: JsonValue = "auto"
    store: bool | None = None

    @property
    def prompt(self) -> Prompt:
        items = self._items
        said = (each.text for each in reversed(items) if each.role == "user")
        return Prompt(
            texts=(self.instructions or "", *(each.text for each in items)),
            last_user_text=next(said, ""),
            token_limit=self.max_output_tokens,
        )

    @property
    def _items(self) -> tuple[Item, ...]:
        if isinstance(self.input, str):
            return (Item(role="user", content=self.input),)
        return self.input


def responses_reply(request: ResponsesRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *request* with *step*; raises `RefusalError` if the step cannot."""
    _refuse_what_is_not_stored(request)
    answer = answer_to(request.prompt, step)
    response = _response(request, step, stamp, answer)
    if request.stream and step.is_success:
        return OPENAI.stream_reply(step, stamp, _stream(request, step, stamp, answer))
    return OPENAI.whole_reply(step, stamp, response)


def _refuse_what_is_not_stored(request: ResponsesRequest) -> None:
    if request.previous_response_id is None:
        return
    detail = ErrorDetail(
        message=f"Previous response with id '{request.previous_response_id}' not "
        "found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )
    raise RefusalError(Step(status=HTTPStatus.BAD_REQUEST, error=detail))


def _stream(
    request: ResponsesRequest, step: Step, stamp: Stamp, answer: Answer
) -> Stream:
    return response_stream(
        step,
        begun=_begun(request, stamp),
        items=output_items(answer, stamp, is_whole=_is_whole(answer)),
        ended=_response(request, step, stamp, answer),
    )


def _response(
    request: ResponsesRequest, step: Step, stamp: Stamp, answer: Answer
) -> dict[str, JsonValue]:
    """Give the response as it is in the end."""
    items = output_items(answer, stamp, is_whole=_is_whole(answer))
    return {
        **_begun(request, stamp),
        "status": _STATUSES[answer.finish_reason],
        "error": _error(step, answer),
        "incomplete_details": _incomplete_details(answer),
        "output": [item.whole for item in items],
        "usage": _usage(request, step, answer),
    }


def _begun(request: ResponsesRequest, stamp: Stamp) -> dict[str, JsonValue]:
    """Give the response before anything is in it; the request's fields are echoed."""
    return {
        "id": f"resp_{stamp.id}",
        "object": "response",
        "created_at": stamp.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "metadata": request.metadata or {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": request.store is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": request.tool_choice,
        "tools": request.tools,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
    }


def _is_whole(answer: Answer) -> bool:
    return _STATUSES[answer.finish_reason] == "completed"


def _error(step: Step, answer: Answer) -> JsonValue:
    if answer.finish_reason is not FinishReason.FAILED:
        return None
    error = error_object(step)
    return {"code": error["code"] or "server_error", "message": error["message"]}


def _incomplete_details(answer: Answer) -> JsonValue:
    reason = _WHY_INCOMPLETE.get(answer.finish_reason)
    return None if reason is None else {"reason": reason}


def _usage(request: ResponsesRequest, step: Step, answer: Answer) -> JsonValue:
    if step.usage_place is UsagePlace.NOWHERE:
        return None
    usage = usage_of(request.prompt, step, answer)
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            **_cache_writes(usage),
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total,
        **usage.extra,
    }


def _cache_writes(usage: Usage) -> Mapping[str, JsonValue]:
    split = usage.cache_writes_by_lifetime
    if split is None:
        return {}
    short, long = split
    details: JsonValue = {"ttl_30m_tokens": short, "ttl_12h_tokens": long}
    return {"cache_write_tokens_details": details}
