"""OpenTelemetry's SDK: spans to a collector over OTLP, as the `OTEL_` variables say.

Spans wait in a queue that drops what does not fit, and a thread sends them: a collector
that is slow, gone or refusing costs spans and nothing else. Import this only where a
collector is named (`shared.collecting`): the SDK is large.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import Tracer as OtelTracer

from .tracing import Attributes, Kind, Span, TraceContext, Tracer

__all__ = ["sending_spans"]

_FLUSHED_WITHIN = timedelta(seconds=2)

_KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.INTERNAL: SpanKind.INTERNAL,
}


@asynccontextmanager
async def sending_spans(service: str) -> AsyncIterator[Tracer]:
    """Send spans in the name of *service*, unless `OTEL_SERVICE_NAME` gives another.

    At the end what waits is sent, for as long as `_FLUSHED_WITHIN`. Raises `ValueError`
    for a variable that cannot be used.
    """
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}).merge(
            OTELResourceDetector().detect()
        ),
        shutdown_on_exit=False,  # which would wait for half a minute
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield _SdkTracer(provider.get_tracer("ag2trust", version("ag2trust-shared")))
    finally:
        await _flushed(provider)


async def _flushed(provider: TracerProvider) -> None:
    """Send what waits; what is not sent in time goes with the process."""
    sending = Thread(target=provider.shutdown, name="last-spans", daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, _FLUSHED_WITHIN.total_seconds())


class _SdkTracer:
    def __init__(self, tracer: OtelTracer) -> None:
        self._tracer = tracer

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: TraceContext | None,
        attributes: Attributes,
    ) -> Span:
        return _SdkSpan(
            self._tracer.start_span(
                name,
                context=_below(parent),
                kind=_KINDS[kind],
                attributes=_told(attributes),
                record_exception=False,
            )
        )


class _SdkSpan:
    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def context(self) -> TraceContext | None:
        context = self._span.get_span_context()
        return TraceContext(
            format_trace_id(context.trace_id),
            format_span_id(context.span_id),
            is_sampled=context.trace_flags.sampled,
        )

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(_told(attributes))

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()


def _below(parent: TraceContext | None) -> Context:
    """Name the parent; without one nothing of the surroundings counts."""
    if parent is None:
        return Context()
    context = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=parent.is_remote,
        trace_flags=TraceFlags(int(parent.is_sampled)),
    )
    return set_span_in_context(NonRecordingSpan(context), Context())


def _told(attributes: Attributes) -> dict[str, str | int | float]:
    return {name: value for name, value in attributes.items() if value is not None}
