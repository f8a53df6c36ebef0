"""Where the chains of the audit end, kept outside PostgreSQL."""

import asyncio
from pathlib import Path
from uuid import UUID

from credentials.repositories import audit as repository
from shared.audit_chain import AuditHead
from shared.audit_heads import append_heads
from shared.clock import Clock, utc_now
from shared.contracts.base import Service
from shared.database import Database
from shared.identity import Identity

__all__ = ["HeadExport"]


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
