"""What the credentials service answers to whether its audit was touched.

Its words are those of a service on the machine that keeps the audit: whoever doubts
that machine verifies with heads that were kept elsewhere (docs/security.md).
"""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from .base import Endpoint, Message, Question, Service

__all__ = ["VERIFY_AUDIT", "AuditFinding", "AuditFlaw", "AuditVerification"]


class AuditFlaw(StrEnum):
    """What is wrong with an entry, as its own chain or a head that was kept shows.

    *replaced*: it is not the one that the next entry followed. *rewritten*: it is not
    the one whose hash was kept. *removed*: it is missing between others. *truncated*:
    it and all after it are missing.
    """

    EDITED = "edited"
    MOVED = "moved"
    REMOVED = "removed"
    REPLACED = "replaced"
    REWRITTEN = "rewritten"
    TRUNCATED = "truncated"


class AuditFinding(Message):
    """A flaw at a position of the chain, and the entry that stands there now, if any.

    *through* is the last of several positions that are missing, *moved_from* where a
    moved entry was written, *kept_at* when the head was kept that disagrees.
    """

    flaw: AuditFlaw
    position: int
    through: int | None = None
    entry_id: UUID | None = None
    moved_from: int | None = None
    kept_at: AwareDatetime | None = None


class AuditVerification(Message):
    """An organization's chain as it was compared, entry by entry and with kept heads.

    It *is_whole* if nothing disagrees. *entries* were read, the last of them at
    *position* with *hash* (hexadecimal), and compared with the newest *kept_heads*, the
    last of which was kept at *head_kept_at*. *findings* tells the first of *flaws*.
    *unreadable_heads* counts lines among the heads that the service did not sign.
    """

    verified_at: AwareDatetime
    is_whole: bool
    entries: int
    position: int | None
    hash: str | None
    kept_heads: int
    head_kept_at: AwareDatetime | None
    flaws: int
    findings: list[AuditFinding]
    unreadable_heads: int


VERIFY_AUDIT = Endpoint(
    "credentials.v1.verify_audit",
    Question,
    AuditVerification,
    askers=frozenset({Service.GATEWAY}),
    deadline=timedelta(seconds=60),
)
