"""An answer in the bytes it is sent in, faults included, whatever the wire format."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus

from .script import Fault, Step

__all__ = ["Ending", "Reply", "Stream", "streamed", "whole"]


class Ending(Enum):
    """What happens after the last byte."""

    DONE = auto()
    """The message is complete; the connection stays usable."""

    CUT = auto()
    """The connection closes before the message is complete."""

    HANG = auto()
    """Nothing, until the client leaves."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is written to the connection, and when.

    `announced_bytes` is the Content-Length; None sends `pieces` as HTTP chunks.
    `is_silent` sends no status line, hence nothing at all.
    """

    status: int
    headers: Mapping[str, str]
    pieces: tuple[bytes, ...]
    announced_bytes: int | None
    ending: Ending
    is_silent: bool
    latency_seconds: float
    pace_seconds: float


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream without faults, in encoded events, and the events of its faults.

    `usage` is what carries the final usage, `end` what only ends the stream.
    """

    content: tuple[bytes, ...]
    usage: tuple[bytes, ...]
    end: tuple[bytes, ...]
    error: bytes
    malformed: bytes


def whole(
    step: Step, headers: Mapping[str, str], body: bytes, *, status: int = HTTPStatus.OK
) -> Reply:
    """Answer with *body* in one piece, or with half of it if *step* has a fault."""
    sent = body if step.fault is None else body[: len(body) // 2]
    is_passed_off_as_whole = step.fault is Fault.MALFORMED_FRAME
    return Reply(
        status=status,
        headers=headers,
        pieces=(sent,),
        announced_bytes=len(sent if is_passed_off_as_whole else body),
        ending=_ending(step.fault),
        is_silent=step.is_silent,
        latency_seconds=step.latency_seconds,
        pace_seconds=step.pace_seconds,
    )


def streamed(step: Step, headers: Mapping[str, str], stream: Stream) -> Reply:
    """Answer with the events of *stream* as far as the step's fault lets them."""
    return Reply(
        status=HTTPStatus.OK,
        headers=headers,
        pieces=_events(step, stream),
        announced_bytes=None,
        ending=_ending(step.fault),
        is_silent=step.is_silent,
        latency_seconds=step.latency_seconds,
        pace_seconds=step.pace_seconds,
    )


def _events(step: Step, stream: Stream) -> tuple[bytes, ...]:
    frames = stream.content + stream.usage
    count = step.after_frames or 0
    match step.fault:
        case None:
            return (*frames, *stream.end)
        case Fault.CUT_BEFORE_FIRST_BYTE:
            return ()
        case Fault.CUT_AFTER_FRAMES | Fault.HANG:
            return frames[:count]
        case Fault.CUT_BEFORE_USAGE:
            return stream.content
        case Fault.ERROR_EVENT_AT_HEAD | Fault.ERROR_EVENT_AFTER_FRAMES:
            return (*frames[:count], stream.error)
        case Fault.MALFORMED_FRAME:
            return (*frames[:count], stream.malformed, *frames[count:], *stream.end)


def _ending(fault: Fault | None) -> Ending:
    match fault:
        case (
            Fault.CUT_BEFORE_FIRST_BYTE
            | Fault.CUT_AFTER_FRAMES
            | Fault.CUT_BEFORE_USAGE
        ):
            return Ending.CUT
        case Fault.HANG:
            return Ending.HANG
        case (
            None
            | Fault.ERROR_EVENT_AT_HEAD
            | Fault.ERROR_EVENT_AFTER_FRAMES
            | Fault.MALFORMED_FRAME
        ):
            return Ending.DONE
