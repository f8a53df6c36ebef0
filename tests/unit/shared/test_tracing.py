"""What follows from what, and what is told of a failure."""

import asyncio

import pytest

from shared.errors import NotFoundError
from shared.tracing import (
    NO_SPAN,
    Attributes,
    Kind,
    Span,
    TraceContext,
    current,
    is_on,
    spanning,
    tracing_with,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


class KeptSpan:
    """A span that keeps what it is told."""

    def __init__(self, parent: TraceContext | None) -> None:
        self.parent = parent
        self.context: TraceContext | None = TraceContext(TRACE, SPAN, is_sampled=True)
        self.failure = ""
        self.ends = 0

    def note(self, attributes: Attributes) -> None: ...

    def fail(self, error_type: str) -> None:
        self.failure = error_type

    def end(self) -> None:
        self.ends += 1


class KeepingTracer:
    def __init__(self) -> None:
        self.spans: list[KeptSpan] = []

    def begin(
        self,
        _name: str,
        _kind: Kind,
        *,
        parent: TraceContext | None,
        attributes: Attributes,  # noqa: ARG002 - a tracer is called by these names
    ) -> Span:
        self.spans.append(KeptSpan(parent))
        return self.spans[-1]


@pytest.mark.parametrize("version", ["00", "01", "fe"])
def test_a_traceparent_is_read(version: str) -> None:
    context = TraceContext.parse(f"{version}-{TRACE}-{SPAN}-01")

    assert context == TraceContext(TRACE, SPAN, is_sampled=True, is_remote=True)


def test_a_traceparent_says_what_is_not_sampled() -> None:
    context = TraceContext.parse(f"00-{TRACE}-{SPAN}-00")

    assert context is not None
    assert not context.is_sampled
    assert str(context) == f"00-{TRACE}-{SPAN}-00"


def test_a_later_version_may_say_more() -> None:
    assert TraceContext.parse(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "hello",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-0",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_a_wrong_traceparent_is_none(header: str | None) -> None:
    assert TraceContext.parse(header) is None


def test_nobody_is_told_without_a_tracer() -> None:
    with spanning("step", Kind.INTERNAL, parent=None, attributes={}) as span:
        assert span is current() is NO_SPAN
        assert span.context is None
        assert not is_on()


def test_a_span_is_current_in_its_block_and_ends_with_it() -> None:
    tracer, parent = KeepingTracer(), TraceContext(TRACE, SPAN, is_sampled=True)

    with (
        tracing_with(tracer),
        spanning("step", Kind.INTERNAL, parent=parent, attributes={}) as span,
    ):
        assert current() is span

    [told] = tracer.spans
    assert (told.parent, told.failure, told.ends) == (parent, "", 1)
    assert current() is NO_SPAN


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFoundError("a secret that somebody typed"), "NOT_FOUND"),
        (ValueError("a secret that somebody typed"), "ValueError"),
        (asyncio.CancelledError(), "cancelled"),
    ],
    ids=["ours", "foreign", "cancelled"],
)
def test_a_failure_is_told_by_its_kind_alone(error: BaseException, told: str) -> None:
    tracer = KeepingTracer()

    with (
        pytest.raises(type(error)),
        tracing_with(tracer),
        spanning("step", Kind.INTERNAL, parent=None, attributes={}),
    ):
        raise error

    assert [(each.failure, each.ends) for each in tracer.spans] == [(told, 1)]
