"""`POST /v1/messages`: the request read, the answer written, streamed or not."""

from typing import Annotated, Final

from pydantic import Field, JsonValue

from ag2trust_sandbox.answer import Prompt, answer_to, usage_of
from ag2trust_sandbox.encoding import MALFORMED_EVENT, encode_named_event
from ag2trust_sandbox.refusal import RefusalError
from ag2trust_sandbox.reply import Reply, Stream
from ag2trust_sandbox.script import ErrorDetail, Step
from ag2trust_sandbox.stamp import Stamp

from .conversation import Conversation
from .errors import error_body
from .message import Message
from .wire import ANTHROPIC

__all__ = ["MessagesRequest", "message_reply", "refuse_sampling"]

_SAMPLING: Final = ("temperature", "top_p", "top_k")


class MessagesRequest(Conversation):
    model: Annotated[str, Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=0)]
    stream: bool | None = None
    temperature: JsonValue = None
    top_p: JsonValue = None
    top_k: JsonValue = None

    @property
    def prompt(self) -> Prompt:
        return Prompt(
            texts=self.texts,
            last_user_text=self.last_user_text,
            token_limit=self.max_tokens,
        )


def refuse_sampling(request: MessagesRequest) -> None:
    """Refuse what API version 2026-10-21 no longer takes, even at its default.

    Source: Anthropic's documentation, "Migrating to 2026-10-21".
    """
    for name in _SAMPLING:
        if name in request.model_fields_set:
            detail = ErrorDetail(message=f"{name}: Extra inputs are not permitted")
            raise RefusalError(Step(status=400, error=detail))


def message_reply(request: MessagesRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *request* with *step*; raises `RefusalError` if the step cannot."""
    answer = answer_to(request.prompt, step)
    message = Message(
        key=stamp.id[:24],
        model=request.model,
        answer=answer,
        usage=usage_of(request.prompt, step, answer),
        usage_place=step.usage_place,
    )
    if request.stream and step.is_success:
        return ANTHROPIC.stream_reply(step, stamp, _stream(message, step, stamp))
    return ANTHROPIC.whole_reply(step, stamp, message.whole())


def _stream(message: Message, step: Step, stamp: Stamp) -> Stream:
    return Stream(
        content=tuple(map(encode_named_event, message.content_events())),
        usage=(encode_named_event(message.usage_event()),),
        end=(encode_named_event(message.end_event()),),
        error=encode_named_event(error_body(step, stamp)),
        malformed=b"event: content_block_delta\n" + MALFORMED_EVENT,
    )
