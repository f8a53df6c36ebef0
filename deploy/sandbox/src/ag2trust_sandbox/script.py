"""What one request is answered with: a step of a script."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

__all__ = [
    "ErrorCode",
    "ErrorDetail",
    "Fault",
    "FinishReason",
    "Script",
    "Step",
    "ToolCall",
    "Usage",
    "UsagePlace",
]

_STATUSES: Final[frozenset[int | None]] = frozenset(
    {None, 200, 301, 302, 303, 307, 308, *range(400, 600)}
)
_ANSWER_FIELDS: Final = {
    "thinking",
    "content",
    "tool_calls",
    "finish_reason",
    "usage",
    "usage_place",
    "fault",
}
_FRAMING_HEADERS: Final = frozenset(
    {"connection", "content-length", "transfer-encoding"}
)

HeaderName = Annotated[str, StringConstraints(pattern=r"\A[a-z0-9-]+\z")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"\A[\x20-\x7e]*\z")]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class Fault(StrEnum):
    """How an answer goes wrong after its status was decided.

    A frame is one event of a stream, whatever it says: `data:`, `event:` or a binary
    frame. What only ends the stream is not counted: `[DONE]`, `message_stop` and the
    chunk with Bedrock's own metrics. A stream of fewer frames than a fault waits for
    goes wrong before it.

    Where no stream was asked for, both cuts inside the answer break it off in the
    middle of its body, `malformed_frame` ends it there as if it were whole, and
    error events are refused with 400 `sandbox_script_mismatch`.
    """

    CUT_BEFORE_FIRST_BYTE = "cut_before_first_byte"
    """The connection closes without a status line."""

    CUT_AFTER_FRAMES = "cut_after_frames"
    """The connection closes after `after_frames` frames, without the final chunk."""

    CUT_BEFORE_USAGE = "cut_before_usage"
    """The connection closes where the event with the final usage was due."""

    ERROR_EVENT_AT_HEAD = "error_event_at_head"
    """The only event after the 200 is an error; then the stream ends, no `[DONE]`."""

    ERROR_EVENT_AFTER_FRAMES = "error_event_after_frames"
    """The same after `after_frames` frames."""

    MALFORMED_FRAME = "malformed_frame"
    """One frame more after `after_frames` frames (0 if not given): an event that is no
    JSON, or a binary frame whose checksum is wrong."""

    HANG = "hang"
    """Silence after `after_frames` frames; if not given, before the status line."""


_NEEDS_FRAMES: Final = frozenset(
    {Fault.CUT_AFTER_FRAMES, Fault.ERROR_EVENT_AFTER_FRAMES}
)
_TAKES_FRAMES: Final = _NEEDS_FRAMES | {Fault.MALFORMED_FRAME, Fault.HANG}
_SENDS_ERROR_EVENT: Final = frozenset(
    {Fault.ERROR_EVENT_AT_HEAD, Fault.ERROR_EVENT_AFTER_FRAMES}
)


class FinishReason(StrEnum):
    """Why an answer ends, in OpenAI's words; each format says it in its own."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"

    FAILED = "failed"
    """A response whose status is `failed`, with the step's error in it. Only OpenAI's
    responses can say so: the other formats have error events and nothing else."""


class UsagePlace(StrEnum):
    """Where an answer carries its usage, if it was asked to.

    Where a format has but one place, all except `nowhere` mean this place.
    """

    OWN_CHUNK = "own_chunk"
    """Where the provider has it. OpenAI's chat: a chunk without choices just before
    `[DONE]`. Anthropic: `message_start` and `message_delta`. Bedrock's invoke: the
    body as its family has it, and the headers or the metrics in the last chunk."""

    LAST_CHOICE = "last_choice"
    """Some compatible servers. Chat: the chunk that carries the finish reason.
    Anthropic: `message_delta` alone, while `message_start` says 0. Bedrock's invoke:
    the body alone, no headers and no metrics."""

    RUNNING = "running"
    """Besides its own place so far as it got, cumulative. Chat: on every chunk, as
    vLLM's `continuous_usage_stats`. Anthropic: in one more `message_delta`."""

    NOWHERE = "nowhere"
    """Servers that do not know usage; unstreamed answers lack it too."""


class ErrorCode(StrEnum):
    """The errors every format has a shape for, by OpenAI's names."""

    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    CONTENT_POLICY_VIOLATION = "content_policy_violation"
    INVALID_API_KEY = "invalid_api_key"
    MODEL_NOT_FOUND = "model_not_found"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    SLOW_DOWN = "slow_down"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    SERVER_IS_OVERLOADED = "server_is_overloaded"


_ERROR_CODES: Final = frozenset(ErrorCode)
_ERROR_HAS_NO_PLACE: Final = (
    "error needs an error status, an error event, finish_reason failed or, without a "
    f"status, one of the codes {', '.join(sorted(_ERROR_CODES))}"
)


class _Strict(BaseModel):
    """Refuses unknown fields and values of a neighbouring type, and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ErrorDetail(_Strict):
    """The fields of OpenAI's error object, said in the format that was asked.

    What is left out is what the provider says with this `code`, or with the step's
    status; an explicit null is sent as null, though not by Bedrock. `type` is
    Anthropic's `error.type` and Bedrock's exception as well. A `code` that is no
    `ErrorCode` is Anthropic's `error.details.error_code`; Bedrock has no place for one.
    `param` is OpenAI's alone.
    """

    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | None = None


class ToolCall(_Strict):
    """A call the answer asks for; `arguments` is sent as written, also if no JSON."""

    name: str
    arguments: str = "{}"
    id: str | None = None


class Usage(_Strict):
    """Tokens, sent as written: negative, huge and contradictory numbers too.

    `cached_tokens` and `cache_write_tokens` are part of `prompt_tokens`,
    `reasoning_tokens` of `completion_tokens`; `total_tokens` is the sum of prompt and
    completion unless given. Anthropic and Bedrock, who count without the cache, are
    told `uncached_tokens` as input.

    `long_cache_write_tokens` are the part of `cache_write_tokens` kept for the longer
    time (OpenAI's responses 12 h, else 1 h), `short_cache_write_tokens` the rest unless
    given; null for the former tells no split at all.

    `extra` members are added to the usage object or replace its own, e.g.
    `{"service_tier": "priority"}`.
    """

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    short_cache_write_tokens: int | None = None
    long_cache_write_tokens: int | None = 0
    reasoning_tokens: int = 0
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        if self.total_tokens is None:
            return self.prompt_tokens + self.completion_tokens
        return self.total_tokens

    @property
    def uncached_tokens(self) -> int:
        """Prompt tokens neither read from the cache nor written to it."""
        return self.prompt_tokens - self.cached_tokens - self.cache_write_tokens

    def so_far(self, part: int, *, of: int) -> Self:
        """Give the usage after *part* of the *of* parts of the completion."""
        tokens = self.completion_tokens * part // of
        return self.model_copy(update={"completion_tokens": tokens})

    @property
    def cache_writes_by_lifetime(self) -> tuple[int, int] | None:
        """Tokens kept for the short and for the long time; None tells no split."""
        if self.long_cache_write_tokens is None:
            return None
        short = self.short_cache_write_tokens
        if short is None:
            short = self.cache_write_tokens - self.long_cache_write_tokens
        return short, self.long_cache_write_tokens


class Step(_Strict):
    """The answer to `repeat` requests.

    `Step()` is the default answer: the sandbox says what it is and repeats the last
    user message, no longer than the request's token limit allows.

    `status` left out is 200 or, if `error` has a code that is an `ErrorCode`, the one
    this error has in the format asked.

    `content` is sent as written: a text (streamed word by word) or the list of frames
    to stream. Without content, `tool_calls` are the whole answer. `thinking` comes
    before it where the format shows any: responses, messages of Claude, converse.

    `usage` is derived unless given: one token for every four characters of the
    request's message texts and, separately, of the answer's content and tool calls
    (names and arguments) and of its thinking, each rounded up; completion tokens count
    every choice.

    `latency_seconds` passes before the status line, `pace_seconds` between two frames.
    `headers` are added to the answer's or replace them. `raw_body` is sent as HTML in
    place of everything else, as an edge server would.
    """

    status: int | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    error: ErrorDetail | None = None
    raw_body: str | None = None
    thinking: str | tuple[str, ...] | None = None
    content: str | tuple[str, ...] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    usage_place: UsagePlace = UsagePlace.OWN_CHUNK
    latency_seconds: Seconds = 0.0
    pace_seconds: Seconds = 0.0
    fault: Fault | None = None
    after_frames: Annotated[int, Field(ge=0)] | None = None
    repeat: Annotated[int, Field(ge=1)] = 1

    @property
    def is_success(self) -> bool:
        """Whether a completion is sent, whole or faulty."""
        is_ok = self.status in {None, HTTPStatus.OK} and self.raw_body is None
        return is_ok and (self.error is None or self.has_error_in_answer)

    @property
    def is_silent(self) -> bool:
        """Whether not even a status line is sent."""
        if self.fault is Fault.HANG:
            return self.after_frames is None
        return self.fault is Fault.CUT_BEFORE_FIRST_BYTE

    @property
    def is_chat_answer(self) -> bool:
        """Whether it says something only an answer in words can."""
        spoken = (self.thinking, self.content, self.finish_reason)
        return bool(self.tool_calls) or any(each is not None for each in spoken)

    @property
    def sends_error_event(self) -> bool:
        return self.fault in _SENDS_ERROR_EVENT

    @property
    def has_error_in_answer(self) -> bool:
        """Whether its error comes after a 200."""
        return self.sends_error_event or self.finish_reason is FinishReason.FAILED

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for contradicts, why in self._contradictions():
            if contradicts:
                raise ValueError(why)
        return self

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        return (
            (
                self.status not in _STATUSES,
                "status is 200, 301, 302, 303, 307, 308 or from 400 to 599",
            ),
            (
                not _FRAMING_HEADERS.isdisjoint(self.headers),
                f"the connection sets {_listed(_FRAMING_HEADERS)} itself",
            ),
            (
                self.error is not None and not self._has_place_for_error,
                _ERROR_HAS_NO_PLACE,
            ),
            (
                self.error is not None and self.raw_body is not None,
                "raw_body takes the place of error",
            ),
            (
                self._says_something and not self.is_success,
                f"{_listed(_ANSWER_FIELDS)} need status 200 and no raw_body",
            ),
            (
                self.fault in _NEEDS_FRAMES and self.after_frames is None,
                f"{self.fault} needs after_frames",
            ),
            (
                self.fault not in _TAKES_FRAMES and self.after_frames is not None,
                f"after_frames needs one of the faults {_listed(_TAKES_FRAMES)}",
            ),
        )

    @property
    def _has_place_for_error(self) -> bool:
        if self.status is None:
            code = None if self.error is None else self.error.code
            return self.has_error_in_answer or code in _ERROR_CODES
        return self.status >= HTTPStatus.BAD_REQUEST or self.has_error_in_answer

    @property
    def _says_something(self) -> bool:
        return bool(self.model_dump(include=_ANSWER_FIELDS, exclude_defaults=True))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


class Script:
    """Steps still to be played, in order."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()

    @property
    def remaining(self) -> tuple[Step, ...]:
        """What is left; the first step's `repeat` counts down."""
        return tuple(self._steps)

    def replace(self, steps: tuple[Step, ...]) -> None:
        self._steps = deque(steps)

    def take(self) -> Step | None:
        """Use up the step for one request; None once the script is over."""
        if not self._steps:
            return None
        step = self._steps.popleft()
        if step.repeat > 1:
            left = step.model_copy(update={"repeat": step.repeat - 1})
            self._steps.appendleft(left)
        return step
