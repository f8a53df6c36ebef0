"""`/dead-letters`: what could not be delivered, and once more."""

from http import HTTPStatus

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.conversations import (
    LIST_DEAD_LETTERS,
    REPLAY_DEAD_LETTER,
    AgentMessage,
    DeadLetter,
    MessageQuestion,
)
from shared.errors import AgentNotRunningError, DeadLetterNotFoundError

__all__ = ["DeadLetterRoutes"]


class DeadLetterRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /dead-letters", needs=Permission.DEAD_LETTERS_READ)
    async def list_dead_letters(
        self, asked: Asked, query: PageQuery
    ) -> Page[DeadLetter]:
        """List messages that are not delivered any more, newest first."""
        return await self._bus.ask(LIST_DEAD_LETTERS, asked.page(query))

    @operation(
        "POST /dead-letters/{id}/replay",
        needs=Permission.DEAD_LETTERS_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(AgentNotRunningError,),
        missing=DeadLetterNotFoundError,
    )
    async def replay_dead_letter(self, asked: Asked) -> AgentMessage:
        """Send a dead letter again, to the end of its thread."""
        question = MessageQuestion(
            org_id=asked.org_id, actor=asked.actor, message_id=asked.id
        )
        return await self._bus.ask(REPLAY_DEAD_LETTER, question)
