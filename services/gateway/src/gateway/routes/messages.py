"""`/agents/{id}/messages`, `/ask/{slug}` and `/messages`: questions and answers."""

import re
from contextlib import aclosing
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Self
from uuid import UUID

from aiohttp import web
from pydantic import Field, model_validator

from gateway.access.permissions import Permission
from gateway.event_stream import MEDIA_TYPE
from gateway.reply_stream import reply_stream
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input
from gateway.waiting import Submission, WaitingRoom
from shared.bus import Bus
from shared.contracts.conversations import (
    ASK_AGENT_TYPE,
    CANCEL_MESSAGE,
    GET_MESSAGE,
    MESSAGE_MAX_CHARACTERS,
    RETRY_MESSAGE,
    SUBMIT_MESSAGE,
    AgentMessage,
    AskAgentType,
    MessageQuestion,
    SubmitMessage,
)
from shared.errors import (
    AgentIsExternalError,
    AgentNotFoundError,
    AgentNotRunningError,
    AgentTypeNotFoundError,
    MessageFinalError,
    MessageNotFoundError,
    MessageTooLongError,
    ThreadNotFoundError,
)

__all__ = ["MessageRoutes"]

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class MessageSubmission(Input):
    """A message; *wait* for its answer as long as *timeout_seconds*.

    With *stream* the answer comes as server-sent events.
    """

    content: str = Field(min_length=1)
    thread_id: UUID | None = None
    stream: bool = False
    wait: bool = True
    timeout_seconds: float = Field(default=120, ge=1, le=600)

    @model_validator(mode="after")
    def _stream_is_waited_for(self) -> Self:
        if self.stream and not self.wait:
            raise ValueError("what is streamed is waited for")
        return self


class MessageRoutes:
    def __init__(self, bus: Bus, waiting_room: WaitingRoom) -> None:
        self._bus = bus
        self._waiting_room = waiting_room

    @operation(
        "POST /agents/{id}/messages",
        needs=Permission.MESSAGES_WRITE,
        also={HTTPStatus.ACCEPTED: AgentMessage},
        media=MEDIA_TYPE,
        errors=(
            AgentIsExternalError,
            AgentNotRunningError,
            MessageTooLongError,
            ThreadNotFoundError,
        ),
        missing=AgentNotFoundError,
    )
    async def send_message(
        self, asked: Asked, body: MessageSubmission
    ) -> Reply[AgentMessage] | web.StreamResponse:
        """Send a message to an agent and wait for its answer.

        200 with the final message; 202 with the message as it is while it has no
        answer: because time is up, or because none was waited for.

        With `stream`, server-sent events: `delta` (`{"content"}`), more of the answer;
        `restart`, forget what came so far; and last the message: `completed`, or
        `failed` if it has no answer and will get none (its `status` says why), or
        `pending` if time is up. A comment every 15 s says that somebody is there.
        """
        question = SubmitMessage(
            org_id=asked.org_id,
            actor=asked.actor,
            message_id=asked.new_id,
            agent_id=asked.id,
            thread_id=body.thread_id,
            content=_checked(body.content),
            is_streamed=body.stream,
        )
        return await self._sent(asked, body, Submission(SUBMIT_MESSAGE, question))

    @operation(
        "POST /ask/{slug}",
        needs=Permission.MESSAGES_WRITE,
        also={HTTPStatus.ACCEPTED: AgentMessage},
        media=MEDIA_TYPE,
        errors=(
            AgentIsExternalError,
            AgentNotRunningError,
            AgentTypeNotFoundError,
            MessageTooLongError,
            ThreadNotFoundError,
        ),
    )
    async def ask(
        self, asked: Asked, body: MessageSubmission
    ) -> Reply[AgentMessage] | web.StreamResponse:
        """Send a message to whichever agent of a type has the least to do.

        A thread stays with its agent as long as that one runs. Answers as sending a
        message to an agent does.
        """
        question = AskAgentType(
            org_id=asked.org_id,
            actor=asked.actor,
            message_id=asked.new_id,
            slug=_slug(asked),
            thread_id=body.thread_id,
            content=_checked(body.content),
            is_streamed=body.stream,
        )
        return await self._sent(asked, body, Submission(ASK_AGENT_TYPE, question))

    @operation(
        "GET /messages/{id}",
        needs=Permission.MESSAGES_READ,
        missing=MessageNotFoundError,
    )
    async def get_message(self, asked: Asked) -> AgentMessage:
        """Show a message and, once it is final, its answer."""
        return await self._bus.ask(GET_MESSAGE, _question(asked))

    @operation(
        "POST /messages/{id}/cancel",
        needs=Permission.MESSAGES_WRITE,
        errors=(MessageFinalError,),
        missing=MessageNotFoundError,
    )
    async def cancel_message(self, asked: Asked) -> AgentMessage:
        """End a message that has no answer yet.

        An answer that its agent is just giving is not heard any more.
        """
        return await self._bus.ask(CANCEL_MESSAGE, _question(asked))

    @operation(
        "POST /messages/{id}/retry",
        needs=Permission.MESSAGES_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(AgentNotRunningError, MessageFinalError),
        missing=MessageNotFoundError,
    )
    async def retry_message(self, asked: Asked) -> AgentMessage:
        """Send a message again that was acknowledged, failed or cancelled.

        It goes to the end of its thread.
        """
        return await self._bus.ask(RETRY_MESSAGE, _question(asked))

    async def _sent(
        self, asked: Asked, body: MessageSubmission, submission: Submission[Any]
    ) -> Reply[AgentMessage] | web.StreamResponse:
        if not body.wait:
            message = await submission.to(self._bus)
            return Reply(message, status=HTTPStatus.ACCEPTED)
        patience = timedelta(seconds=body.timeout_seconds)
        if body.stream:
            return await self._streamed(asked.http, submission, patience)
        message = await self._waiting_room.submit_and_wait(
            submission,
            patience=patience,
            is_abandoned=lambda: asked.http.transport is None,
        )
        is_final = message.status.is_final
        return Reply(message, status=HTTPStatus.OK if is_final else HTTPStatus.ACCEPTED)

    async def _streamed(
        self, request: web.Request, submission: Submission[Any], patience: timedelta
    ) -> web.StreamResponse:
        """Answer with events; what refuses the message is an answer as ever."""
        following = self._waiting_room.submit_and_follow(
            submission,
            patience=patience,
            is_abandoned=lambda: request.transport is None,
        )
        async with aclosing(following) as news:
            await anext(news)
            return await reply_stream(request, submission, news)


def _checked(content: str) -> str:
    if len(content) > MESSAGE_MAX_CHARACTERS:
        raise MessageTooLongError(
            f"A message has at most {MESSAGE_MAX_CHARACTERS:,} characters; "
            f"this one has {len(content):,}.",
            details={"max_characters": MESSAGE_MAX_CHARACTERS},
        )
    return content


def _slug(asked: Asked) -> str:
    """Read `{slug}`; what is none names nothing."""
    slug = asked.http.match_info["slug"]
    if not _SLUG.fullmatch(slug):
        raise AgentTypeNotFoundError("The path names no agent type.")
    return slug


def _question(asked: Asked) -> MessageQuestion:
    return MessageQuestion(org_id=asked.org_id, actor=asked.actor, message_id=asked.id)
