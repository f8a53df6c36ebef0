"""`python -m credentials.verify_audit`: name what was touched in the audit.

It is told the settings of the service, reads the rows of all organizations and the
heads in the audit folder, and ends with 1 if anything disagrees. To believe nothing
that the machine itself says, give it a copy of the folder that was kept elsewhere.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.audit_chain import AuditHead, Finding
from shared.audit_heads import BadLine, read_heads
from shared.clock import utc_now
from shared.contracts.base import Service
from shared.database import Database, connect_database
from shared.identity import Identity
from shared.settings import load

from .administration.audit_verification import check_chain, told_ends
from .settings import Settings

__all__ = ["Verification", "verified", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, and what disagreed; *findings* has every organization."""

    findings: Mapping[UUID, list[Finding]]
    heads: int
    bad_lines: list[BadLine]

    @property
    def is_whole(self) -> bool:
        return not (self.bad_lines or any(self.findings.values()))

    def sentences(self) -> Iterator[str]:
        """Tell each flaw, then the result."""
        flaws = [each for found in self.findings.values() for each in found]
        yield from map(str, [*flaws, *self.bad_lines])
        organizations = _counted(len(self.findings), "organization")
        compared = f"{organizations}, {_counted(self.heads, 'exported head')}"
        if not self.is_whole:
            yield (
                f"The audit was touched: {_counted(len(flaws), 'flaw')}, "
                f"{_counted(len(self.bad_lines), 'unreadable line')} ({compared})."
            )
            return
        yield f"The audit is whole ({compared})."
        if self.findings and not self.heads:
            yield "Without an exported head nobody can tell whether an end was cut off."


async def verify(settings: Settings) -> Verification:
    """Verify the audit that *settings* lead to, by the heads in its folder.

    Raises `DatabaseUnavailableError`.
    """
    public = Identity.from_file(settings.identity_file).public
    heads, bad_lines = read_heads(settings.audit_folder, Service.CREDENTIALS, of=public)
    async with connect_database(settings) as database:
        findings = await verified(database, heads)
    return Verification(findings, len(heads), bad_lines)


async def verified(
    database: Database, exported: Iterable[AuditHead]
) -> dict[UUID, list[Finding]]:
    """Verify every organization's chain; the findings of each, none for a whole one.

    An organization without rows is known by the heads that were exported of it.
    """
    async with database.sweep() as transaction:
        heads = [*exported, *await told_ends(transaction, utc_now())]
        found = {}
        for org_id in sorted({head.org_id for head in heads}):
            own = [head for head in heads if head.org_id == org_id]
            found[org_id] = (await check_chain(transaction, org_id, own)).findings
        return found


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def _main() -> int:
    verification = await verify(load(Settings))
    for sentence in verification.sentences():
        print(sentence)  # noqa: T201 - a program may print
    return 0 if verification.is_whole else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
