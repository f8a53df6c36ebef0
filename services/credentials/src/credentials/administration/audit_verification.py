"""Whether the audit of an organization was touched, by its chain and kept heads."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from credentials.repositories import audit as repository
from shared.audit_chain import AuditHead, ChainVerifier, Finding
from shared.audit_heads import newest_heads
from shared.clock import Clock, utc_now
from shared.contracts.audit_verification import AuditFinding, AuditVerification
from shared.contracts.base import Question, Service
from shared.database import Database, Transaction
from shared.identity import PublicIdentity

__all__ = ["AuditVerifier", "CheckedChain", "check_chain", "told_ends"]

# A history that was written anew disagrees with the newest head already; the older ones
# only tell from where on.
_HEADS_COMPARED = 1_000
_FINDINGS_TOLD = 20


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """A chain that was read to its end, at *position* with *hash* if it has entries."""

    findings: list[Finding]
    entries: int
    position: int | None
    hash: bytes | None


class AuditVerifier:
    """Answers with what it found, for one organization at a time.

    *folder* holds the heads that the service signed as *signer*.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        signer: PublicIdentity,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._folder = folder
        self._signer = signer
        self._now = now
        self._turn = asyncio.Lock()

    async def verify(self, question: Question) -> AuditVerification:
        async with self._turn:
            kept, unreadable = await asyncio.to_thread(
                newest_heads,
                self._folder,
                Service.CREDENTIALS,
                of=self._signer,
                org_id=question.org_id,
                limit=_HEADS_COMPARED,
            )
            async with self._database.organization(question.org_id) as transaction:
                heads = [*kept, *await told_ends(transaction, self._now())]
                chain = await check_chain(transaction, question.org_id, heads)
        return AuditVerification(
            verified_at=self._now(),
            is_whole=not (chain.findings or unreadable),
            entries=chain.entries,
            position=chain.position,
            hash=chain.hash.hex() if chain.hash else None,
            kept_heads=len(kept),
            head_kept_at=max((head.at for head in kept), default=None),
            flaws=len(chain.findings),
            findings=[_as_told(each) for each in chain.findings[:_FINDINGS_TOLD]],
            unreadable_heads=len(unreadable),
        )


async def told_ends(transaction: Transaction, now: datetime) -> list[AuditHead]:
    """Read the ends that the database itself tells: whoever cuts a row may forget."""
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


async def check_chain(
    transaction: Transaction, org_id: UUID, heads: Iterable[AuditHead]
) -> CheckedChain:
    """Read the chain of *org_id*, and compare it with itself and with *heads*."""
    verifier = ChainVerifier(Service.CREDENTIALS, org_id, heads)
    entries, position, last_hash = 0, None, None
    async for link, stored_hash in repository.chain(transaction, org_id):
        verifier.check(link, stored_hash)
        entries, position, last_hash = entries + 1, link.position, stored_hash
    # Looking for where a moved entry was written may go through all positions.
    findings = await asyncio.to_thread(verifier.findings)
    return CheckedChain(findings, entries, position, last_hash)


def _as_told(finding: Finding) -> AuditFinding:
    return AuditFinding(
        flaw=finding.flaw,
        position=finding.position,
        through=finding.through,
        entry_id=finding.entry_id,
        moved_from=finding.moved_from,
        kept_at=finding.kept_at,
    )
