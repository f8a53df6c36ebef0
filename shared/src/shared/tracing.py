"""Spans: what a process does for whom, told to whoever collects traces.

Without a tracer (`shared.otlp`) nobody does: a span is `NO_SPAN` then, and costs a look
at one variable. A trace goes from process to process as W3C's `traceparent`; neither
`tracestate` nor `baggage` goes along. What a span says are ids, figures and names from
closed lists, and models: never content, a credential, or what somebody has typed.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .errors import AppError

__all__ = [
    "NO_SPAN",
    "TRACEPARENT",
    "Attributes",
    "Kind",
    "Span",
    "TraceContext",
    "Tracer",
    "begin",
    "current",
    "is_on",
    "spanning",
    "tracing_with",
    "within",
]

TRACEPARENT = "traceparent"

Attributes = Mapping[str, str | int | float | None]
"""What a span says; what is None is left out."""

# W3C Trace Context, level 1, section 3.2: a later version may say more behind it.
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})"
    r"-([0-9a-f]{2})(-.*)?"
)
_SAMPLED = 1


class Kind(StrEnum):
    """Which side of what a span is."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace: what follows from it is told as its child."""

    trace_id: str
    span_id: str
    is_sampled: bool
    is_remote: bool = False

    @classmethod
    def parse(cls, header: str | None) -> "TraceContext | None":
        """Read a `traceparent`; None for none, or one that is wrong."""
        found = _TRACEPARENT.fullmatch(header or "")
        if found is None or (found[1] == "00" and found[5]):
            return None
        is_sampled = bool(int(found[4], 16) & _SAMPLED)
        return cls(found[2], found[3], is_sampled, is_remote=True)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


class Span(Protocol):
    """Something that is being done, told once it has ended."""

    @property
    def context(self) -> TraceContext | None: ...

    def note(self, attributes: Attributes) -> None: ...

    def fail(self, error_type: str) -> None:
        """Say that it failed, by a name from a closed list."""

    def end(self) -> None:
        """End it; only the first end counts."""


class Tracer(Protocol):
    """Makes spans, and tells of them."""

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: TraceContext | None,
        attributes: Attributes,
    ) -> Span: ...


class _NoSpan:
    """A span that nobody is told of."""

    context: TraceContext | None = None

    def note(self, attributes: Attributes) -> None: ...

    def fail(self, error_type: str) -> None: ...

    def end(self) -> None: ...


NO_SPAN: Span = _NoSpan()

_tracers: list[Tracer] = []
_current: ContextVar[Span] = ContextVar("span", default=NO_SPAN)


@contextmanager
def tracing_with(tracer: Tracer) -> Iterator[None]:
    """Tell *tracer* of this process's spans while the block runs."""
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)


def is_on() -> bool:
    """Say whether anybody is told: look first where every microsecond counts."""
    return bool(_tracers)


def current() -> Span:
    """Give the span that this task works in."""
    return _current.get()


def begin(
    name: str,
    kind: Kind,
    *,
    parent: TraceContext | None,
    attributes: Attributes,
) -> Span:
    """Begin a span that outlives the task that begins it; without *parent*, a trace."""
    if not _tracers:
        return NO_SPAN
    return _tracers[-1].begin(name, kind, parent=parent, attributes=attributes)


@contextmanager
def spanning(
    name: str,
    kind: Kind,
    *,
    parent: TraceContext | None,
    attributes: Attributes,
) -> Iterator[Span]:
    """Be in a span while the block runs; what the block raises is how it failed."""
    if not _tracers:
        yield NO_SPAN
        return
    with within(begin(name, kind, parent=parent, attributes=attributes)) as span:
        yield span


@contextmanager
def within(span: Span) -> Iterator[Span]:
    """Be in *span* while the block runs, and end it then, as `spanning` does."""
    token = _current.set(span)
    try:
        yield span
    except BaseException as error:
        span.fail(_type_of(error))
        raise
    finally:
        _current.reset(token)
        span.end()


def _type_of(error: BaseException) -> str:
    """Name an error without its words, which may hold anything."""
    match error:
        case AppError(code=code):
            return code
        case asyncio.CancelledError():
            return "cancelled"
        case _:
            return type(error).__name__
