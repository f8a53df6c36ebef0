"""`/audit`: who did what, whichever service keeps the record of it."""

from gateway.access.permissions import Permission
from gateway.audit_trail import AuditTrail
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.audit_verification import VERIFY_AUDIT, AuditVerification
from shared.contracts.base import AuditEntry, Page, Question

__all__ = ["AuditRoutes"]


class AuditRoutes:
    def __init__(self, bus: Bus, trail: AuditTrail) -> None:
        self._bus = bus
        self._trail = trail

    @operation("GET /audit", needs=Permission.AUDIT_READ)
    async def list_audit(self, asked: Asked, query: PageQuery) -> Page[AuditEntry]:
        """List administrative acts and openings of secrets, newest first."""
        return await self._trail.page(asked.page(query))

    @operation("POST /audit/verify", needs=Permission.AUDIT_READ)
    async def verify_audit(self, asked: Asked) -> AuditVerification:
        """Name each entry of the credentials service's audit that was touched.

        Its chain is compared with itself and with the heads that the service keeps
        outside its database. To believe nothing that the machine says, run `ag2trust
        audit verify` with a copy of them that was kept elsewhere.
        """
        question = Question(org_id=asked.org_id, actor=asked.actor)
        return await self._bus.ask(VERIFY_AUDIT, question)
