"""What the gateway's neighbours answer, and a question that makes them."""

from datetime import UTC, datetime
from uuid import UUID

import aiohttp

from shared.contracts.conversations import (
    AgentMessage,
    MessageStatus,
    MessageUsage,
    SubmitMessage,
)
from shared.contracts.credentials import (
    CreateProvider,
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderStatus,
    ProviderSubmission,
)
from shared.contracts.metrics import MessageFinishedEvent, MessageRecord
from shared.ids import new_id

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def finished(org_id: UUID) -> MessageFinishedEvent:
    """Make the event of a message that somebody has counted."""
    return MessageFinishedEvent(
        id=new_id(),
        org_id=org_id,
        message=MessageRecord(
            message_id=new_id(),
            org_id=org_id,
            agent_id=new_id(),
            agent_type_id=new_id(),
            status=MessageStatus.COMPLETED,
            finished_at=NOON,
        ),
    )


def provider(question: CreateProvider, submission: ProviderSubmission) -> Provider:
    return Provider(
        id=question.provider_id,
        name=submission.name,
        type=submission.type,
        use_case=None,
        labels={},
        base_url="https://api.openai.com/v1",
        limits=ProviderLimits(),
        enabled=True,
        status=ProviderStatus.READY,
        credential=CredentialState(version=1),
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )


def message(question: SubmitMessage, status: MessageStatus) -> AgentMessage:
    return AgentMessage(
        message_id=question.message_id,
        thread_id=question.message_id,
        agent_id=question.agent_id,
        status=status,
        content=None,
        usage=MessageUsage(),
        duration_ms=None,
        explanation=None,
        created_at=NOON,
        finished_at=None,
    )


async def post_message(client: aiohttp.ClientSession) -> tuple[int, str]:
    """Post a message to some agent; return the status and what became of it."""
    url = f"/api/agents/{new_id()}/messages"
    async with client.post(url, json={"content": "Hi"}) as response:
        body = await response.json()
        return response.status, body.get("status") or body["error_code"]
