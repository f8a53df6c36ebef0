"""Whether a process tells of its spans: the `OTEL_` variables of OpenTelemetry decide.

What they leave unsaid, or say wrongly, never keeps a service from its work: it says so
in its log, and tells of no spans.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from .contracts.base import Service
from .tracing import tracing_with

__all__ = ["telling_of_spans"]

log = structlog.get_logger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ONLY_PROTOCOL = "http/protobuf"


@asynccontextmanager
async def telling_of_spans(service: Service) -> AsyncIterator[None]:
    """Send spans to the collector that the environment names, while the block runs.

    Enter it first, so that it ends last: whatever else ends is told of, too.
    """
    async with AsyncExitStack() as stack:
        if _names_a_collector():
            from .otlp import sending_spans  # noqa: PLC0415 - large, and else unused

            try:
                tracer = await stack.enter_async_context(
                    sending_spans(f"ag2trust-{service.replace('_', '-')}")
                )
            except ValueError:
                log.warning("spans.untold", reason="a variable OTEL_… cannot be used")
            else:
                stack.enter_context(tracing_with(tracer))
        yield


def _names_a_collector() -> bool:
    if _variable("OTEL_SDK_DISABLED").lower() == "true":
        return False
    if not any(map(_variable, _ENDPOINTS)):
        return False
    exporter = _variable(_EXPORTER) or "otlp"
    protocol = next(filter(None, map(_variable, _PROTOCOLS)), _ONLY_PROTOCOL)
    if exporter not in {"otlp", "none"}:
        log.warning("spans.untold", reason=f"{_EXPORTER} is not otlp")
    if protocol != _ONLY_PROTOCOL:
        log.warning("spans.untold", reason=f"only {_ONLY_PROTOCOL} is spoken")
    return exporter == "otlp" and protocol == _ONLY_PROTOCOL


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()
