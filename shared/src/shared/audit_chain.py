"""The hash chain of an audit: what an entry's hash covers, and what a broken one shows.

Every organization has a chain in every service that keeps an audit. An entry holds the
hash of the one before it (32 zero bytes at position 1), and its own:

    SHA-256("ag2trust.v1.audit/<service>", previous hash, position, org_id, id, at,
        actor_kind, actor_id, act, object_kind, object_id, details [, request_id])

Each part is UTF-8 with its length before it (4 bytes, big-endian); *at* counts
microseconds since 1970; *details* is the text that PostgreSQL makes of the jsonb, which
is one for all spellings of it. A request id that is null is no part.

A chain shows what was edited, moved or removed between its ends. That its end was cut
off, or all of it written anew, is shown by heads that were signed and kept elsewhere
(`shared.audit_heads`).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime

from .clock import to_the_second
from .contracts.audit_verification import AuditFlaw
from .contracts.base import Bytes, Message, Service

__all__ = [
    "GENESIS",
    "AuditHead",
    "ChainVerifier",
    "Finding",
    "Link",
    "hash_of",
]

GENESIS = bytes(32)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TRACED = 20
_WORDS = {
    AuditFlaw.EDITED: "was edited",
    AuditFlaw.MOVED: "was moved here",
    AuditFlaw.REMOVED: "is missing",
    AuditFlaw.REPLACED: "is not the one that the next entry followed",
    AuditFlaw.REWRITTEN: "is not the one whose hash was kept",
    AuditFlaw.TRUNCATED: "is missing at the end",
}


@dataclass(frozen=True, slots=True)
class Link:
    """An audit entry in its chain, as it is stored but for its own hash."""

    position: int
    previous_hash: bytes
    org_id: UUID
    id: UUID
    at: datetime
    actor_kind: str
    actor_id: str
    act: str
    object_kind: str
    object_id: UUID
    details: str
    request_id: str | None


class AuditHead(Message):
    """How far a chain had come at a time: the words that a service signs."""

    service: Service
    org_id: UUID
    position: int
    hash: Bytes
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a position; *entry_id* is that of the entry that is there now.

    *through* is the last of several missing positions; *moved_from* is where a moved
    entry was written; *kept_at* is when the head was kept that disagrees.
    """

    flaw: AuditFlaw
    org_id: UUID
    position: int
    through: int | None = None
    entry_id: UUID | None = None
    moved_from: int | None = None
    kept_at: datetime | None = None

    def __str__(self) -> str:
        words = [f"organization {self.org_id}: entry {self.position}"]
        if self.through is not None:
            words.append(f"through {self.through}")
        if self.entry_id is not None:
            words.append(f"({self.entry_id})")
        words.append(_WORDS[self.flaw])
        if self.moved_from is not None:
            words.append(f"from position {self.moved_from}")
        if self.kept_at is not None:
            words.append(f"(head of {to_the_second(self.kept_at)})")
        return " ".join(words)


def hash_of(service: Service, link: Link) -> bytes:
    """Return the hash that belongs to *link* in the audit of *service*."""
    texts = (
        str(link.position),
        str(link.org_id),
        str(link.id),
        str((link.at - _EPOCH) // _MICROSECOND),
        link.actor_kind,
        link.actor_id,
        link.act,
        link.object_kind,
        str(link.object_id),
        link.details,
        *([] if link.request_id is None else [link.request_id]),
    )
    purpose = f"ag2trust.v1.audit/{service}".encode()
    parts = [purpose, link.previous_hash, *(text.encode() for text in texts)]
    covered = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(covered).digest()


class ChainVerifier:
    """Reads one organization's chain in the order of its positions.

    *heads* are what is known of it from elsewhere. Give every link to `check`, then ask
    for the `findings`: none, if nothing was touched.
    """

    def __init__(
        self, service: Service, org_id: UUID, heads: Iterable[AuditHead]
    ) -> None:
        self._service = service
        self._org_id = org_id
        self._heads: dict[int, list[AuditHead]] = {}
        for head in heads:
            self._heads.setdefault(head.position, []).append(head)
        self._findings: list[Finding] = []
        self._untrue: list[tuple[Link, bytes]] = []
        self._last: Link | None = None
        self._last_hash = GENESIS
        self._follows = True

    def check(self, link: Link, stored_hash: bytes) -> None:
        """Compare the next link with the hash beside it, and with the link before."""
        if link.position > self._end + 1:
            self._find_removed(self._end + 1, link.position - 1)
        is_true = hash_of(self._service, link) == stored_hash
        if not is_true:
            self._untrue.append((link, stored_hash))
        elif self._follows and link.previous_hash != self._last_hash:
            self._find(AuditFlaw.REPLACED, self._end, self._last)
        self._compare_heads(link, stored_hash)
        self._last, self._last_hash, self._follows = link, stored_hash, is_true

    def findings(self) -> list[Finding]:
        """Tell what is wrong, by position."""
        traced = [self._traced(*each) for each in self._untrue[:_TRACED]]
        untraced = [
            self._finding(AuditFlaw.EDITED, link.position, link)
            for link, _ in self._untrue[_TRACED:]
        ]
        found = [*self._findings, *traced, *untraced, *self._truncated()]
        return sorted(found, key=lambda each: each.position)

    def _compare_heads(self, link: Link, stored_hash: bytes) -> None:
        """Find one flaw a position: more heads of it would say the same."""
        for head in self._heads.get(link.position, []):
            if head.hash != stored_hash:
                self._find(AuditFlaw.REWRITTEN, link.position, link, head)
                return

    def _find_removed(self, first: int, last: int) -> None:
        through = last if last > first else None
        self._findings.append(
            Finding(AuditFlaw.REMOVED, self._org_id, first, through=through)
        )
        self._follows = False

    def _traced(self, link: Link, stored_hash: bytes) -> Finding:
        """Tell a moved entry from an edited one: it is true at another position."""
        for position in range(1, max(self._end, self._furthest) + 1):
            if hash_of(self._service, replace(link, position=position)) == stored_hash:
                moved = self._finding(AuditFlaw.MOVED, link.position, link)
                return replace(moved, moved_from=position)
        return self._finding(AuditFlaw.EDITED, link.position, link)

    def _truncated(self) -> list[Finding]:
        """Name the first position that is gone, by the head that knows the most."""
        if self._furthest <= self._end:
            return []
        head = self._heads[self._furthest][0]
        return [self._finding(AuditFlaw.TRUNCATED, self._end + 1, None, head)]

    @property
    def _end(self) -> int:
        return self._last.position if self._last else 0

    @property
    def _furthest(self) -> int:
        return max(self._heads, default=0)

    def _find(
        self,
        flaw: AuditFlaw,
        position: int,
        link: Link | None = None,
        head: AuditHead | None = None,
    ) -> None:
        self._findings.append(self._finding(flaw, position, link, head))

    def _finding(
        self,
        flaw: AuditFlaw,
        position: int,
        link: Link | None,
        head: AuditHead | None = None,
    ) -> Finding:
        return Finding(
            flaw,
            self._org_id,
            position,
            entry_id=link.id if link else None,
            kept_at=head.at if head else None,
        )
