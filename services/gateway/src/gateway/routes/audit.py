"""`/audit`: who did what. So far it tells what credentials keeps, not other owners."""

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import AuditEntry, Page
from shared.contracts.credentials import LIST_AUDIT

__all__ = ["AuditRoutes"]


class AuditRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /audit", needs=Permission.AUDIT_READ)
    async def list_audit(self, asked: Asked, query: PageQuery) -> Page[AuditEntry]:
        """List administrative acts and openings of secrets, newest first."""
        return await self._bus.ask(LIST_AUDIT, asked.page(query))
