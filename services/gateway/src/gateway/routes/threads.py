"""`/threads`: conversations with agents, and what was said in them."""

from uuid import UUID

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.conversations import (
    GET_THREAD,
    LIST_THREADS,
    Thread,
    ThreadHistory,
    ThreadQuestion,
    ThreadsQuestion,
)
from shared.errors import ThreadNotFoundError

__all__ = ["ThreadRoutes"]


class ThreadsQuery(PageQuery):
    """Which threads are wanted: all, or those of one agent."""

    agent_id: UUID | None = None


class ThreadRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /threads", needs=Permission.MESSAGES_READ)
    async def list_threads(self, asked: Asked, query: ThreadsQuery) -> Page[Thread]:
        """List conversations, newest first."""
        question = ThreadsQuestion(
            **asked.page(query).model_dump(), agent_id=query.agent_id
        )
        return await self._bus.ask(LIST_THREADS, question)

    @operation(
        "GET /threads/{id}",
        needs=Permission.MESSAGES_READ,
        missing=ThreadNotFoundError,
    )
    async def get_thread(self, asked: Asked, query: PageQuery) -> ThreadHistory:
        """Show a conversation with a page of its messages, newest first."""
        question = ThreadQuestion(**asked.page(query).model_dump(), thread_id=asked.id)
        return await self._bus.ask(GET_THREAD, question)
