"""The spans of a model call: the agent's request, and each attempt below it.

Names are those of OpenTelemetry's conventions for generative AI. Whatever the request
and the answer hold, a span says ids, figures, codes of ours, and the model: that is one
which the agent's type allows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from agent_runner.callers import ModelCaller
from agent_runner.http.exchange import Exchange
from agent_runner.used import Used
from shared.contracts.base import Explanation
from shared.gen_ai import PROVIDER_NAMES, operation_of
from shared.tracing import (
    TRACEPARENT,
    Attributes,
    Kind,
    Span,
    TraceContext,
    begin,
    current,
    spanning,
    within,
)

from .calls import OpenCall
from .headers import values_of
from .wire_format import Fields

__all__ = ["attempt_span", "call_span", "is_sampled", "tell_end"]


def is_sampled(exchange: Exchange, agent: ModelCaller) -> bool:
    """Begin the span of a request, and say whether anybody will be told of it."""
    exchange.span = _begun(exchange, agent)
    context = exchange.span.context
    return context is not None and context.is_sampled


@contextmanager
def call_span(exchange: Exchange, agent: ModelCaller) -> Iterator[None]:
    """Tell of an agent's request, below the span that it names, or its message's."""
    with within(exchange.span or _begun(exchange, agent)) as span:
        yield
        span.note({"http.response.status_code": exchange.status})


def _begun(exchange: Exchange, agent: ModelCaller) -> Span:
    in_hand = agent.in_hand
    of_message = in_hand.span.context if in_hand else None
    return begin(
        "model_call",
        Kind.SERVER,
        parent=_named(exchange.head.fields) or of_message,
        attributes={
            "gen_ai.agent.id": str(agent.id),
            "ag2trust.message.id": str(in_hand.message_id) if in_hand else None,
        },
    )


@contextmanager
def attempt_span(call: OpenCall) -> Iterator[Span]:
    """Tell of the attempt that *call* is making, below its request."""
    common = call.common
    operation = operation_of(common.endpoint)
    with spanning(
        f"{operation} {common.model}",
        Kind.CLIENT,
        parent=current().context,
        attributes={
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": PROVIDER_NAMES[common.provider_type],
            "gen_ai.request.model": common.model,
            "ag2trust.call.id": call.own.call_id.text,
            "ag2trust.provider.id": str(common.provider_id),
        },
    ) as span:
        yield span


def tell_end(span: Span, call: OpenCall, explanation: Explanation | None) -> None:
    """Say what came of the attempt; *explanation* says why it failed, if it did."""
    report = call.report if call.stream is None else call.stream.report
    span.note(
        {
            "http.response.status_code": call.http_status,
            **(_figures(report.usage) if report.usage else {}),
        }
    )
    if explanation is not None:
        span.fail(explanation.code)


def _figures(usage: Used) -> Attributes:
    """Give what the provider reports; its input includes what was cached."""
    parts = (
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
    )
    given = [each for each in parts if each is not None]
    return {
        "gen_ai.usage.input_tokens": sum(given) if given else None,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
    }


def _named(fields: Fields) -> TraceContext | None:
    """Read whom the client names; several name nobody (W3C, section 3.2.1)."""
    given = values_of(fields, TRACEPARENT.encode())
    return TraceContext.parse(given[0]) if len(given) == 1 else None
