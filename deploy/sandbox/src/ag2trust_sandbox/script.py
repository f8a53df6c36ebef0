"""What one request is answered with: a step of a script."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

__all__ = [
    "ErrorDetail",
    "Fault",
    "FinishReason",
    "Script",
    "Step",
    "ToolCall",
    "Usage",
    "UsagePlace",
]

_STATUSES: Final = frozenset({200, 301, 302, 303, 307, 308, *range(400, 600)})
_ANSWER_FIELDS: Final = {
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

    A frame is one `data:` event of a stream, the one with the role being the first
    and `[DONE]` not counted. A stream of fewer frames than a fault waits for goes
    wrong before its `[DONE]`.

    Where no stream was asked for, both cuts inside the answer break it off in the
    middle of its body, `malformed_frame` ends it there as if it were whole, and
    error events are refused with 400 `sandbox_script_mismatch`.
    """

    CUT_BEFORE_FIRST_BYTE = "cut_before_first_byte"
    """The connection closes without a status line."""

    CUT_AFTER_FRAMES = "cut_after_frames"
    """The connection closes after `after_frames` frames, without the final chunk."""

    CUT_BEFORE_USAGE = "cut_before_usage"
    """The connection closes where the chunk with the usage was due."""

    ERROR_EVENT_AT_HEAD = "error_event_at_head"
    """The only event after the 200 is `error`; then the stream ends, no `[DONE]`."""

    ERROR_EVENT_AFTER_FRAMES = "error_event_after_frames"
    """The same after `after_frames` frames."""

    MALFORMED_FRAME = "malformed_frame"
    """One frame more, no JSON, after `after_frames` frames (0 if not given)."""

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
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class UsagePlace(StrEnum):
    """Where an answer carries its usage, if it was asked to."""

    OWN_CHUNK = "own_chunk"
    """OpenAI: a chunk without choices just before `[DONE]`."""

    LAST_CHOICE = "last_choice"
    """Some compatible servers: the chunk that carries the finish reason."""

    NOWHERE = "nowhere"
    """Servers that do not know usage; unstreamed answers lack it too."""


class _Strict(BaseModel):
    """Refuses unknown fields and values of a neighbouring type, and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ErrorDetail(_Strict):
    """The fields of OpenAI's error object.

    What is left out is what OpenAI says with this `code`, or with the step's status;
    an explicit null is sent as null.
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
    completion unless given.
    """

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class Step(_Strict):
    """The answer to `repeat` requests.

    `Step()` is the default answer: the sandbox says what it is and repeats the last
    user message, no longer than the request's token limit allows.

    `content` is sent as written: a text (streamed word by word) or the list of frames
    to stream. Without content, `tool_calls` are the whole answer.

    `usage` is derived unless given: one token for every four characters of the
    request's message texts and, separately, of the answer's content and tool calls
    (names and arguments), each rounded up; completion tokens count every choice.

    `latency_seconds` passes before the status line, `pace_seconds` between two frames.
    `headers` are added to the answer's or replace them. `raw_body` is sent as HTML in
    place of everything else, as an edge server would.
    """

    status: int = 200
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    error: ErrorDetail | None = None
    raw_body: str | None = None
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
        return self.status == HTTPStatus.OK and self.raw_body is None

    @property
    def is_silent(self) -> bool:
        """Whether not even a status line is sent."""
        if self.fault is Fault.HANG:
            return self.after_frames is None
        return self.fault is Fault.CUT_BEFORE_FIRST_BYTE

    @property
    def is_chat_answer(self) -> bool:
        """Whether it says something only a chat completion can."""
        return self.content is not None or bool(self.tool_calls)

    @property
    def sends_error_event(self) -> bool:
        return self.fault in _SENDS_ERROR_EVENT

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for contradicts, why in self._contradictions():
            if contradicts:
                raise ValueError(why)
        return self

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        has_error = self.status >= HTTPStatus.BAD_REQUEST or self.sends_error_event
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
                self.error is not None and not has_error,
                "error needs an error status or an error event",
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
