"""The audit of a service as others see it: told in pages."""

from typing import Protocol
from uuid import UUID

from .contracts.base import AuditEntry, Page, PageQuestion
from .database import Database, Transaction
from .pages import before, page_of

__all__ = ["AuditPages", "Entries"]


class Entries(Protocol):
    async def __call__(
        self, transaction: Transaction, *, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        """List the newest first, those older than *before*."""


class AuditPages:
    """Tells the organization that asks of its own *entries*."""

    def __init__(self, database: Database, entries: Entries) -> None:
        self._database = database
        self._entries = entries

    async def list(self, question: PageQuestion) -> Page[AuditEntry]:
        """List the newest first. Raises `InvalidError` for a foreign cursor."""
        async with self._database.organization(question.org_id) as transaction:
            found = await self._entries(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda entry: entry.id)
