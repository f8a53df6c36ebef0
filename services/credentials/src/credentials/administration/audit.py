"""The audit as others see it: told in pages, its ends kept outside PostgreSQL."""

import asyncio
from pathlib import Path
from uuid import UUID

from credentials.repositories import audit as repository
from shared.audit_chain import AuditHead
from shared.audit_heads import append_heads
from shared.clock import Clock, utc_now
from shared.contracts.base import AuditEntry, Page, PageQuestion, Service
from shared.database import Database
from shared.identity import Identity
from shared.pages import before, page_of

__all__ = ["Audit", "HeadExport"]


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, question: PageQuestion) -> Page[AuditEntry]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.entries(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda entry: entry.id)


class HeadExport:
    """Appends to a file in *folder*, signed, where each chain ends.

    A chain that has not grown since this process last wrote is left out.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        identity: Identity,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._folder = folder
        self._identity = identity
        self._now = now
        self._exported: dict[UUID, int] = {}

    async def export(self) -> None:
        """Write what is new; raise `OSError` if the folder cannot be written."""
        async with self._database.sweep() as transaction:
            ends = await repository.chain_ends(transaction)
        grown = [end for end in ends if self._exported.get(end.org_id) != end.position]
        now = self._now()
        heads = [
            AuditHead(
                service=Service.CREDENTIALS,
                org_id=end.org_id,
                position=end.position,
                hash=end.hash,
                at=now,
            )
            for end in grown
        ]
        await asyncio.to_thread(
            append_heads,
            self._folder,
            Service.CREDENTIALS,
            heads,
            by=self._identity,
            now=now,
        )
        self._exported |= {end.org_id: end.position for end in grown}
