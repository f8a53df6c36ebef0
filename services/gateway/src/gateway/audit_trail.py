"""The audit of all its owners as one list: whose an entry is does not order it.

Ids are UUIDv7, so they order by time whoever made them, and a page begins below the
last id of the one before: what is written meanwhile comes at the top.
"""

from shared.bus import Bus
from shared.contracts import agent_runner, credentials, metrics
from shared.contracts.base import AuditEntry, Page, PageQuestion
from shared.pages import before, page_of

from .repositories.audit import AuditRepository

__all__ = ["AuditTrail"]

_OWNERS = (credentials.LIST_AUDIT, agent_runner.LIST_AUDIT, metrics.LIST_AUDIT)


class AuditTrail:
    """*own* is what the gateway keeps itself; the others are asked."""

    def __init__(self, bus: Bus, own: AuditRepository) -> None:
        self._bus = bus
        self._own = own

    async def page(self, question: PageQuestion) -> Page[AuditEntry]:
        """Raise `UnavailableError` unless every owner answers: none may be missing."""
        newest = await self._own.entries(
            question.org_id, before=before(question.cursor), limit=question.limit + 1
        )
        has_more = False
        for owner in _OWNERS:
            page = await self._bus.ask(owner, question)
            newest += page.data
            has_more = has_more or page.next_cursor is not None
        newest.sort(key=lambda entry: entry.id, reverse=True)
        merged = page_of(newest, limit=question.limit, id_of=lambda entry: entry.id)
        if has_more and merged.data:
            return Page(data=merged.data, next_cursor=str(merged.data[-1].id))
        return merged
