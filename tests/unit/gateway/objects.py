"""One of each thing that the gateway's neighbours may answer with."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.agent_types import AgentType, Resources
from shared.contracts.conversations import AgentMessage, MessageStatus, MessageUsage
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderStatus,
    ProviderType,
)
from shared.contracts.metrics import Call, CallStatus, ToolCall, ToolCallStatus
from shared.contracts.usage import AgentStats
from shared.ids import new_id
from shared.provider_errors.tool_failures import explained_tool_call

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORGANIZATION = UUID("01900000-0000-7000-8000-00000000000a")
ELSEWHERE = UUID("01900000-0000-7000-8000-00000000000b")
SOME_ID = UUID("01900000-0000-7000-8000-000000000001")

PROVIDER = Provider(
    id=SOME_ID,
    name="OpenAI Production",
    type=ProviderType.OPENAI,
    use_case="support",
    labels={"team": "red"},
    base_url="https://api.openai.com/v1",
    limits=ProviderLimits(),
    enabled=True,
    status=ProviderStatus.READY,
    credential=CredentialState(version=1, hint="…abcd", fields=["api_key"]),
    version=3,
    created_at=NOON,
    updated_at=NOON,
)
AGENT_TYPE = AgentType(
    id=SOME_ID,
    version=2,
    name="Support",
    slug="support",
    use_case=None,
    labels={},
    provider_id=SOME_ID,
    model="gpt-4o-mini",
    allowed_models=["gpt-4o-mini"],
    system_prompt="Be kind.",
    temperature=None,
    max_tokens=None,
    resources=Resources(),
    created_at=NOON,
    updated_at=NOON,
)
AGENT = Agent.model_validate(
    {
        "id": SOME_ID,
        "name": "ada",
        "agent_type_id": SOME_ID,
        "agent_type_version": None,
        "desired_state": DesiredState.STOPPED,
        "status": AgentStatus.STOPPED,
        "status_reason": None,
        "restart_required": False,
        "runner": None,
        "version": 5,
        "created_at": NOON,
        "updated_at": NOON,
        "started_at": None,
    }
)
STATS = AgentStats.model_validate(
    {
        "agent_id": SOME_ID,
        "total_tokens": 30,
        "input_tokens": 10,
        "output_tokens": 20,
        "cached_input_tokens": 0,
        "average_response_time_ms": 120.5,
        "p50_response_time_ms": 120.0,
        "p95_response_time_ms": 150.0,
        "average_time_to_first_token_ms": None,
        "message_duration_ms": 200.0,
        "messages_processed": 1,
        "calls": 2,
        "errors": 0,
        "error_rate": 0.0,
        "since": NOON,
        "until": None,
        "as_of": NOON,
    }
)
CALL = Call.model_validate(
    {
        "call_id": SOME_ID,
        "org_id": ORGANIZATION,
        "agent_id": SOME_ID,
        "agent_type_id": SOME_ID,
        "provider_id": SOME_ID,
        "provider_type": ProviderType.OPENAI,
        "model": "gpt-4o-mini",
        "endpoint": "chat/completions",
        "is_streamed": True,
        "runner": "runner-1",
        "request_id": "request-1",
        "status": CallStatus.COMPLETED,
        "started_at": NOON,
        "recorded_at": NOON,
    }
)

TOOL_CALL = ToolCall(
    tool_call_id=SOME_ID,
    org_id=ORGANIZATION,
    agent_id=SOME_ID,
    agent_type_id=SOME_ID,
    message_id=SOME_ID,
    tool="http_request",
    status=ToolCallStatus.FAILED,
    code="TOOL_TIMED_OUT",
    started_at=NOON,
    duration_ms=120,
    recorded_at=NOON,
    explanation=explained_tool_call("TOOL_TIMED_OUT"),
)


def message(
    status: MessageStatus, *, content: str | None = None, message_id: UUID | None = None
) -> AgentMessage:
    """Make a message as the runner answers it."""
    fields: dict[str, Any] = {
        "message_id": message_id or new_id(),
        "thread_id": SOME_ID,
        "agent_id": SOME_ID,
        "status": status,
        "content": content,
        "usage": MessageUsage(),
        "duration_ms": 10 if status.is_final else None,
        "explanation": None,
        "created_at": NOON,
        "finished_at": NOON if status.is_final else None,
    }
    return AgentMessage.model_validate(fields)
