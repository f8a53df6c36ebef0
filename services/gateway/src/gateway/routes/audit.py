"""`/audit`: who did what, whichever service keeps the record of it."""

from gateway.access.permissions import Permission
from gateway.audit_trail import AuditTrail
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.contracts.base import AuditEntry, Page

__all__ = ["AuditRoutes"]


class AuditRoutes:
    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    @operation("GET /audit", needs=Permission.AUDIT_READ)
    async def list_audit(self, asked: Asked, query: PageQuery) -> Page[AuditEntry]:
        """List administrative acts and openings of secrets, newest first."""
        return await self._trail.page(asked.page(query))
