"""A stand-in for an OpenTelemetry collector, as far as OTLP over HTTP goes.

It reads what it is sent with OpenTelemetry's own protobuf types, and keeps the bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from ag2trust.ports import free_port
from shared.http_server import listening

__all__ = ["Collector", "ToldSpan", "collecting"]

_WITHIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """A span as it was received; ids are hexadecimal, "" for no parent."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    has_failed: bool
    attributes: dict[str, str | int | float | bool]


@dataclass(slots=True)
class Collector:
    """*status* is what it answers with; *held* keeps it from answering."""

    port: int
    status: int = 200
    held: asyncio.Event | None = None
    asked: int = 0
    received: bytes = b""
    spans: list[ToldSpan] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def endpoint(self) -> str:
        """What goes into `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self.port}"

    async def until_asked(self) -> None:
        async with asyncio.timeout(_WITHIN_SECONDS), self.changed:
            await self.changed.wait_for(lambda: self.asked > 0)

    async def until_spans(self, count: int) -> None:
        """Wait for so many spans, of whatever trace."""
        async with asyncio.timeout(_WITHIN_SECONDS), self.changed:
            await self.changed.wait_for(lambda: len(self.spans) >= count)

    async def until_told(self, *names: str, trace_id: str) -> dict[str, ToldSpan]:
        """Wait for one span of each of *names* in a trace; returns them by name."""
        try:
            async with asyncio.timeout(_WITHIN_SECONDS), self.changed:
                await self.changed.wait_for(
                    lambda: set(names) <= set(self._named(trace_id))
                )
        except TimeoutError:
            raise AssertionError(f"only {sorted(self._named(trace_id))}") from None
        return self._named(trace_id)

    def _named(self, trace_id: str) -> dict[str, ToldSpan]:
        return {each.name: each for each in self.spans if each.trace_id == trace_id}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self.changed:
            self.asked += 1
            self.changed.notify_all()
        if self.held is not None:
            await self.held.wait()
        if self.status == 200:
            async with self.changed:
                self.received += body
                self.spans += _spans_in(ExportTraceServiceRequest.FromString(body))
                self.changed.notify_all()
        return web.Response(
            status=self.status,
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector on loopback; what it holds when the block ends is let go."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    collector = Collector(free_port())
    app.router.add_post("/v1/traces", collector.take)
    async with listening(app, host="127.0.0.1", port=collector.port):
        try:
            yield collector
        finally:
            if collector.held is not None:
                collector.held.set()


def _spans_in(request: ExportTraceServiceRequest) -> Iterator[ToldSpan]:
    for of_resource in request.resource_spans:
        service = _attributes(of_resource.resource.attributes)["service.name"]
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield _told(str(service), span)


def _told(service: str, span: trace_pb2.Span) -> ToldSpan:
    return ToldSpan(
        service=service,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        has_failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
    )


def _attributes(
    pairs: "Iterator[KeyValue] | list[KeyValue]",
) -> dict[str, str | int | float | bool]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in pairs
    }
