"""The span of a message: from an agent's taking it to its answer.

It lies below the request that sent the message, whenever that was, and model calls lie
below it. Names are those of OpenTelemetry's conventions for generative AI. An agent's
name is not told: people choose it.
"""

from agent_runner.hosted_agents import HostedAgent
from agent_runner.repositories.messages import ClaimedMessage
from shared.contracts.base import Explanation
from shared.contracts.conversations import MessageStatus
from shared.tracing import NO_SPAN, Kind, Span, TraceContext, begin, is_on

__all__ = ["begin_handling", "tell_outcome"]


def begin_handling(agent: HostedAgent, message: ClaimedMessage) -> Span:
    """Begin to tell of what *agent* does for *message*."""
    if not is_on():
        return NO_SPAN
    return begin(
        "invoke_agent",
        Kind.CONSUMER,
        parent=TraceContext.parse(message.traceparent),
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": str(agent.id),
            "gen_ai.conversation.id": str(message.thread_id),
            "ag2trust.message.id": str(message.id),
            "ag2trust.message.attempt": message.attempt,
        },
    )


def tell_outcome(
    span: Span, status: MessageStatus, explanation: Explanation | None
) -> None:
    span.note({"ag2trust.message.status": status.value})
    if explanation is not None:
        span.fail(explanation.code)
