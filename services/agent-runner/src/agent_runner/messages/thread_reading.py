"""What callers read of threads: the list of them, and the history of one."""

from agent_runner.repositories import threads as repository
from shared.contracts.base import Page
from shared.contracts.conversations import (
    Thread,
    ThreadHistory,
    ThreadQuestion,
    ThreadsQuestion,
)
from shared.database import Database
from shared.pages import before, fitting, page_of, unknown_cursor

__all__ = ["ThreadReading"]

_LONGEST_CURSOR = 18


class ThreadReading:
    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list(self, question: ThreadsQuestion) -> Page[Thread]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.threads(
                transaction,
                agent_id=question.agent_id,
                before=before(question.cursor),
                limit=question.limit + 1,
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def history(self, question: ThreadQuestion) -> ThreadHistory:
        """Read a page of a thread: as many messages as one answer can carry."""
        async with self._database.organization(question.org_id) as transaction:
            thread = await repository.thread(transaction, question.thread_id)
            found = await repository.messages_of(
                transaction,
                question.thread_id,
                before=_position(question.cursor),
                limit=question.limit + 1,
            )
        limit = fitting(found, limit=question.limit)
        messages = found[:limit]
        more = len(found) > limit
        return ThreadHistory(
            id=thread.id,
            agent_id=thread.agent_id,
            created_at=thread.created_at,
            updated_at=thread.updated_at,
            messages=messages,
            next_cursor=str(messages[-1].position) if more else None,
        )


def _position(cursor: str | None) -> int | None:
    """Read where a page of a thread begins: below this position; None is its end."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _LONGEST_CURSOR):
        raise unknown_cursor()
    return int(cursor)
