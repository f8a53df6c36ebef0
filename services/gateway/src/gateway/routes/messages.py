"""`/agents/{id}/messages` and `/messages`: what agents are asked, and their answers."""

from datetime import timedelta
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.authentication import principal_of
from gateway.reading import Input, id_in_path
from gateway.waiting import WaitingRoom
from shared.bus import Bus
from shared.contracts.agent_runner import (
    GET_MESSAGE,
    MESSAGE_MAX_CHARACTERS,
    SUBMIT_MESSAGE,
    MessageQuestion,
    SubmitMessage,
)
from shared.errors import (
    AgentNotFoundError,
    MessageNotFoundError,
    MessageTooLongError,
)
from shared.http import read_json, reply_json
from shared.ids import new_id

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

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/agents/{id}/messages", self._submit),
            web.get("/messages/{id}", self._show),
        ]

    async def _submit(self, request: web.Request) -> web.Response:
        """200 with the answer; 202 with the message as it is while there is none."""
        who = principal_of(request)
        agent_id = id_in_path(request, AgentNotFoundError)
        body = await read_json(request, MessageSubmission)
        _refuse_too_long(body.content)
        submission = SubmitMessage(
            org_id=who.org_id,
            actor=who.actor,
            message_id=new_id(),
            agent_id=agent_id,
            thread_id=body.thread_id,
            content=body.content,
        )
        if not body.wait:
            message = await self._bus.ask(SUBMIT_MESSAGE, submission)
            return reply_json(message, status=202)
        message = await self._waiting_room.submit_and_wait(
            submission,
            patience=timedelta(seconds=body.timeout_seconds),
            is_abandoned=lambda: request.transport is None,
        )
        return reply_json(message, status=200 if message.status.is_final else 202)

    async def _show(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(GET_MESSAGE, _question(request)))


def _refuse_too_long(content: str) -> None:
    if len(content) > MESSAGE_MAX_CHARACTERS:
        raise MessageTooLongError(
            f"A message has at most {MESSAGE_MAX_CHARACTERS:,} characters; "
            f"this one has {len(content):,}.",
            details={"max_characters": MESSAGE_MAX_CHARACTERS},
        )


def _question(request: web.Request) -> MessageQuestion:
    who = principal_of(request)
    return MessageQuestion(
        org_id=who.org_id,
        actor=who.actor,
        message_id=id_in_path(request, MessageNotFoundError),
    )
