"""The spans of a question on the bus: its asker's, and below it its answerer's.

A question outside a trace has none: what services ask of themselves all day would drown
what somebody asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .tracing import TRACEPARENT, Kind, TraceContext, current, spanning

__all__ = ["answering_span", "asking_span", "trace_headers"]


def trace_headers() -> dict[str, str]:
    """Return what tells an answerer of the trace that the asker is in, if any."""
    context = current().context
    return {TRACEPARENT: str(context)} if context else {}


@contextmanager
def asking_span(subject: str) -> Iterator[None]:
    with _span(subject, Kind.CLIENT, current().context):
        yield


@contextmanager
def answering_span(subject: str, headers: Mapping[str, str]) -> Iterator[None]:
    with _span(subject, Kind.SERVER, TraceContext.parse(headers.get(TRACEPARENT))):
        yield


@contextmanager
def _span(subject: str, kind: Kind, parent: TraceContext | None) -> Iterator[None]:
    if parent is None:
        yield
        return
    attributes = {"rpc.system.name": "nats", "rpc.method": subject}
    with spanning(subject, kind, parent=parent, attributes=attributes):
        yield
