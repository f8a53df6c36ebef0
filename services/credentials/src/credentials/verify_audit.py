"""`python -m credentials.verify_audit`: name what was touched in the audit.

It is told the settings of the service, reads the rows of all organizations and the
heads in the audit folder, and ends with 1 if anything disagrees. To believe nothing
that the machine itself says, give it a copy of the folder that was kept elsewhere.
"""

import asyncio
import sys
from collections.abc import Iterable
from uuid import UUID

from shared.audit_chain import AuditHead, ChainVerifier, Finding
from shared.audit_heads import BadLine, read_heads
from shared.clock import utc_now
from shared.contracts.base import Service
from shared.database import Database, Transaction, connect_database
from shared.identity import Identity
from shared.settings import load

from .repositories import audit as repository
from .settings import Settings

__all__ = ["verified"]


async def verified(
    database: Database, exported: Iterable[AuditHead]
) -> dict[UUID, list[Finding]]:
    """Verify every organization's chain; the findings of each, none for a whole one.

    An organization without rows is known by the heads that were exported of it.
    """
    async with database.sweep() as transaction:
        heads = [*exported, *await _own_heads(transaction)]
        return {
            org_id: await _findings(
                transaction, org_id, [each for each in heads if each.org_id == org_id]
            )
            for org_id in sorted({head.org_id for head in heads})
        }


async def _findings(
    transaction: Transaction, org_id: UUID, heads: list[AuditHead]
) -> list[Finding]:
    verifier = ChainVerifier(Service.CREDENTIALS, org_id, heads)
    async for link, stored_hash in repository.chain(transaction, org_id):
        verifier.check(link, stored_hash)
    return verifier.findings()


async def _own_heads(transaction: Transaction) -> list[AuditHead]:
    """Read the ends that the database itself tells: whoever cuts a row may forget."""
    now = utc_now()
    return [
        AuditHead(
            service=Service.CREDENTIALS,
            org_id=end.org_id,
            position=end.position,
            hash=end.hash,
            at=now,
        )
        for end in await repository.chain_ends(transaction)
    ]


async def _run(settings: Settings) -> int:
    public = Identity.from_file(settings.identity_file).public
    heads, bad_lines = read_heads(settings.audit_folder, Service.CREDENTIALS, of=public)
    async with connect_database(settings) as database:
        findings = await verified(database, heads)
    return _told(findings, heads, bad_lines)


def _told(
    findings: dict[UUID, list[Finding]],
    heads: list[AuditHead],
    bad_lines: list[BadLine],
) -> int:
    for flaw in [*(each for found in findings.values() for each in found), *bad_lines]:
        print(flaw)  # noqa: T201 - a program may print
    flaws = sum(map(len, findings.values()))
    print(  # noqa: T201 - a program may print
        f"{len(findings)} organizations, {len(heads)} exported heads, "
        f"{flaws} flaws, {len(bad_lines)} unreadable lines"
    )
    return 1 if flaws or bad_lines else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(load(Settings))))
