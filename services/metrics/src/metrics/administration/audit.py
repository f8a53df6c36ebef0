"""The audit of this service as others see it: told in pages."""

from metrics.repositories import audit as repository
from shared.contracts.base import AuditEntry, Page, PageQuestion
from shared.database import Database
from shared.pages import before, page_of

__all__ = ["Audit"]


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, question: PageQuestion) -> Page[AuditEntry]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.entries(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda entry: entry.id)
