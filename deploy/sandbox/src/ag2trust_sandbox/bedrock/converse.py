"""Converse and ConverseStream: the request read, the answer written.

Shapes: the service model of `bedrock-runtime` in botocore.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from ag2trust_sandbox.answer import Answer, Prompt, answer_to, reason_among, usage_of
from ag2trust_sandbox.reply import Reply, Stream
from ag2trust_sandbox.script import FinishReason, Step, UsagePlace
from ag2trust_sandbox.stamp import Stamp

from .converse_blocks import growing_events, whole_blocks
from .errors import error_body, exception_type
from .event_stream import MALFORMED_FRAME, encode_event, encode_exception
from .parsing import CamelCase
from .usage import latency_ms, token_usage
from .wire import BEDROCK

__all__ = ["ConverseRequest", "converse_reply", "converse_stream_reply"]

_REASONS: Final = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "content_filtered",
}
_PADDING: Final = "abcdefghijklmnopqrstuvwxyz"
"""What hides the length of a token from whoever sees the sizes of frames."""

Members = dict[str, JsonValue]


class ResultPart(CamelCase):
    text: str = ""


class ToolResult(CamelCase):
    content: tuple[ResultPart, ...]


class Block(CamelCase):
    """Text, or a tool's result, which holds some; others hold no text."""

    text: str = ""
    tool_result: ToolResult | None = None

    @property
    def words(self) -> str:
        parts = self.tool_result.content if self.tool_result else ()
        return self.text + "".join(part.text for part in parts)


class Message(CamelCase):
    role: Literal["user", "assistant", "system"]
    content: Annotated[tuple[Block, ...], Field(min_length=1)]

    @property
    def words(self) -> str:
        return "".join(block.words for block in self.content)


class InferenceConfig(CamelCase):
    max_tokens: Annotated[int, Field(ge=1)] | None = None


class ConverseRequest(CamelCase):
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    system: tuple[Block, ...] = ()
    inference_config: InferenceConfig = InferenceConfig()

    @property
    def prompt(self) -> Prompt:
        said = (each.words for each in reversed(self.messages) if each.role == "user")
        system = "".join(block.words for block in self.system)
        return Prompt(
            texts=(system, *(each.words for each in self.messages)),
            last_user_text=next(said, ""),
            token_limit=self.inference_config.max_tokens,
        )


def converse_reply(request: ConverseRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *request* with *step*; raises `RefusalError` if the step cannot."""
    answer = answer_to(request.prompt, step)
    message: JsonValue = {
        "role": "assistant",
        "content": list(whole_blocks(answer, stamp)),
    }
    body: Members = {
        "output": {"message": message},
        "stopReason": reason_among(_REASONS, answer),
        **_metadata(request, step, answer),
    }
    if step.usage_place is UsagePlace.NOWHERE:
        del body["usage"]
    return BEDROCK.whole_reply(step, stamp, body)


def converse_stream_reply(request: ConverseRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer the same in events."""
    if not step.is_success:
        return BEDROCK.error_reply(step, stamp)
    return BEDROCK.stream_reply(step, stamp, _stream(request, step, stamp))


def _stream(request: ConverseRequest, step: Step, stamp: Stamp) -> Stream:
    answer = answer_to(request.prompt, step)
    reason = reason_among(_REASONS, answer)
    events: tuple[tuple[str, Members], ...] = (
        ("messageStart", {"role": "assistant"}),
        *growing_events(answer, stamp),
        ("messageStop", {"stopReason": reason}),
    )
    is_told = step.usage_place is not UsagePlace.NOWHERE
    metadata = _frame("metadata", _metadata(request, step, answer))
    return Stream(
        content=tuple(_frame(*event) for event in events),
        usage=(metadata,) if is_told else (),
        end=(),
        error=encode_exception(exception_type(step), error_body(step)),
        malformed=MALFORMED_FRAME,
    )


def _frame(kind: str, payload: Members) -> bytes:
    return encode_event(kind, {**payload, "p": _PADDING})


def _metadata(request: ConverseRequest, step: Step, answer: Answer) -> Members:
    return {
        "usage": token_usage(usage_of(request.prompt, step, answer)),
        "metrics": {"latencyMs": latency_ms(step)},
        "serviceTier": {"type": "default"},
    }
