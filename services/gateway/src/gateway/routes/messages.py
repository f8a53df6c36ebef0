"""`/agents/{id}/messages` and `/messages`: what agents are asked, and their answers."""

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from pydantic import Field

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input
from gateway.waiting import WaitingRoom
from shared.bus import Bus
from shared.contracts.agent_runner import (
    GET_MESSAGE,
    MESSAGE_MAX_CHARACTERS,
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageQuestion,
    SubmitMessage,
)
from shared.errors import (
    AgentNotFoundError,
    AgentNotRunningError,
    MessageNotFoundError,
    MessageTooLongError,
    ThreadNotFoundError,
)

__all__ = ["MessageRoutes"]


class MessageSubmission(Input):
    """A message; *wait* for its answer as long as *timeout_seconds*."""

    content: str = Field(min_length=1)
    thread_id: UUID | None = None
    wait: bool = True
    timeout_seconds: float = Field(default=120, ge=1, le=600)


class MessageRoutes:
    def __init__(self, bus: Bus, waiting_room: WaitingRoom) -> None:
        self._bus = bus
        self._waiting_room = waiting_room

    @operation(
        "POST /agents/{id}/messages",
        needs=Permission.MESSAGES_WRITE,
        also={HTTPStatus.ACCEPTED: AgentMessage},
        errors=(AgentNotRunningError, MessageTooLongError, ThreadNotFoundError),
        missing=AgentNotFoundError,
    )
    async def send_message(
        self, asked: Asked, body: MessageSubmission
    ) -> Reply[AgentMessage]:
        """Send a message to an agent and wait for its answer.

        200 with the final message; 202 with the message as it is while it has no
        answer: because time is up, or because none was waited for.
        """
        _refuse_too_long(body.content)
        submission = SubmitMessage(
            org_id=asked.org_id,
            actor=asked.actor,
            message_id=asked.new_id,
            agent_id=asked.id,
            thread_id=body.thread_id,
            content=body.content,
        )
        if not body.wait:
            message = await self._bus.ask(SUBMIT_MESSAGE, submission)
            return Reply(message, status=HTTPStatus.ACCEPTED)
        message = await self._waiting_room.submit_and_wait(
            submission,
            patience=timedelta(seconds=body.timeout_seconds),
            is_abandoned=lambda: asked.http.transport is None,
        )
        is_final = message.status.is_final
        return Reply(message, status=HTTPStatus.OK if is_final else HTTPStatus.ACCEPTED)

    @operation(
        "GET /messages/{id}",
        needs=Permission.MESSAGES_READ,
        missing=MessageNotFoundError,
    )
    async def get_message(self, asked: Asked) -> AgentMessage:
        """Show a message and, once it is final, its answer."""
        question = MessageQuestion(
            org_id=asked.org_id, actor=asked.actor, message_id=asked.id
        )
        return await self._bus.ask(GET_MESSAGE, question)


def _refuse_too_long(content: str) -> None:
    if len(content) > MESSAGE_MAX_CHARACTERS:
        raise MessageTooLongError(
            f"A message has at most {MESSAGE_MAX_CHARACTERS:,} characters; "
            f"this one has {len(content):,}.",
            details={"max_characters": MESSAGE_MAX_CHARACTERS},
        )
