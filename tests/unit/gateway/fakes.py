"""The record and the neighbours of the gateway, in memory."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.access.tokens import hash_of
from gateway.repositories.api_keys import ApiKey
from gateway.repositories.idempotency import Claim, Kept
from gateway.repositories.jobs import ClaimedJob
from gateway.repositories.organizations import Organization
from shared.bus import answer
from shared.contracts.base import Actor, AuditEntry, Endpoint, Message, ReplyT, RequestT
from shared.contracts.jobs import Job, JobStatus
from shared.database import Database, Transaction
from shared.errors import (
    ApiKeyNotFoundError,
    ConflictError,
    DatabaseUnavailableError,
    JobNotFoundError,
    JobRunningError,
    NameTakenError,
)
from shared.ids import new_id
from shared.testing import FakeBus

from .objects import NOON, ORGANIZATION


@dataclass
class Neighbours:
    """The services behind the bus: each says what it was told to, and all is kept."""

    bus: FakeBus
    asked: list[tuple[str, Message]] = field(default_factory=list)

    def answer(
        self, endpoint: Endpoint[RequestT, ReplyT], *replies: ReplyT | Exception
    ) -> None:
        """Give *replies* one after another, and the last one from then on."""
        left = list(replies)

        async def reply(question: RequestT) -> ReplyT:
            self.asked.append((endpoint.subject, question))
            said = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(said, Exception):
                raise said
            return said

        self.bus.serve(answer(endpoint, reply))

    def question(self, endpoint: Endpoint[RequestT, Any]) -> RequestT:
        """Return the one question that was put to *endpoint*."""
        [question] = [
            question
            for subject, question in self.asked
            if subject == endpoint.subject and isinstance(question, endpoint.request)
        ]
        return question

    @property
    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.asked]


@dataclass
class FakeApiKeys:
    """Keys in a list; counts how often it is asked whose a key is."""

    keys: list[ApiKey] = field(default_factory=list)
    audited: list[tuple[str, UUID, Actor]] = field(default_factory=list)
    lookups: int = 0
    is_away: bool = False

    def give(self, key: str, role: Role, *, org_id: UUID = ORGANIZATION) -> ApiKey:
        """Add *key* as if it had always been there."""
        record = ApiKey(
            id=new_id(),
            org_id=org_id,
            name=f"key {len(self.keys)}",
            role=role,
            hash=hash_of(key),
            prefix=key[:9],
            created_at=NOON,
        )
        self.keys.append(record)
        return record

    def narrow(self, key_id: UUID, scopes: frozenset[Permission]) -> None:
        """Give a key these scopes and no others."""
        self.keys = [
            replace(each, scopes=scopes) if each.id == key_id else each
            for each in self.keys
        ]

    async def principal(self, hashed: bytes) -> Principal | None:
        self.lookups += 1
        if self.is_away:
            raise DatabaseUnavailableError("Away.", retry_after_seconds=2)
        for key in self.keys:
            if key.hash == hashed:
                return _principal(key)
        return None

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]:
        mine = [key for key in self.keys if key.org_id == org_id]
        older = [key for key in mine if before is None or key.id < before]
        return sorted(older, key=lambda key: key.id, reverse=True)[:limit]

    async def one(self, org_id: UUID, key_id: UUID) -> ApiKey:
        for key in self.keys:
            if (key.org_id, key.id) == (org_id, key_id):
                return key
        raise ApiKeyNotFoundError("There is no such API key.")

    async def add(self, key: ApiKey, *, actor: Actor) -> ApiKey:
        if any(
            (each.org_id, each.name) == (key.org_id, key.name) for each in self.keys
        ):
            raise NameTakenError(f'An API key is named "{key.name}" already.')
        self.keys.append(replace(key))
        self.audited.append(("created", key.id, actor))
        return key

    async def revoke(
        self, org_id: UUID, key_id: UUID, *, at: datetime, by: Principal
    ) -> None:
        del at
        found = [key for key in self.keys if (key.org_id, key.id) == (org_id, key_id)]
        if not found:
            raise ApiKeyNotFoundError("There is no such API key.")
        by.require_role(found[0].role)
        by.require_all_of(_principal(found[0]).permissions)
        rest = [key for key in self.keys if key not in found]
        if not any((key.org_id, key.role) == (org_id, Role.OWNER) for key in rest):
            raise ConflictError("This is the last owner key; make another one first.")
        self.keys = rest
        self.audited.append(("revoked", key_id, by.actor))


def _principal(key: ApiKey) -> Principal:
    return Principal(key.org_id, "api_key", key.id, key.role, key.scopes)


class AbsentDatabase(Database):
    """A database that cannot be reached."""

    def __init__(self) -> None:
        """Have no pools."""

    @asynccontextmanager
    async def organization(self, org_id: UUID) -> AsyncIterator[Transaction]:
        yield self._nothing(org_id)

    @asynccontextmanager
    async def sweep(self) -> AsyncIterator[Transaction]:
        yield self._nothing(None)

    def _nothing(self, org_id: UUID | None) -> Transaction:
        raise DatabaseUnavailableError(f"No database for {org_id or 'anybody'}.")


@dataclass
class FakeOrganizations:
    organizations: list[Organization] = field(default_factory=list)
    keys: list[ApiKey] = field(default_factory=list)

    async def add_first(
        self, organization: Organization, *, owner_key: ApiKey, actor: Actor
    ) -> bool:
        del actor
        if self.organizations:
            return False
        self.organizations.append(organization)
        self.keys.append(owner_key)
        return True


@dataclass
class FakeInvitations:
    offered: list[bytes] = field(default_factory=list)

    async def offer_first_login(self, hashed: bytes) -> bool:
        self.offered.append(hashed)
        return True


@dataclass
class FakeAudit:
    """Entries in a list, of one organization."""

    kept: list[AuditEntry] = field(default_factory=list)

    async def entries(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        del org_id
        older = [each for each in self.kept if before is None or each.id < before]
        return sorted(older, key=lambda each: each.id, reverse=True)[:limit]


@dataclass
class FakeIdempotency:
    """Keys in a dict; a turn lasts until it is released."""

    rows: dict[bytes, tuple[Claim, dict[str, Any] | None]] = field(default_factory=dict)
    released: set[UUID] = field(default_factory=set)

    async def claim(self, claim: Claim, *, lasting: timedelta) -> Kept:
        del lasting
        first, answer = self.rows.setdefault(claim.key, (claim, None))
        is_free = answer is None and first.id in self.released
        if is_free and first.fingerprint == claim.fingerprint:
            first = replace(first, id=claim.id)
            self.rows[claim.key] = (first, None)
        return Kept(first.id, first.fingerprint, first.object_id, answer)

    async def renew(self, claim: Claim, *, lasting: timedelta) -> None:
        """Do nothing: a turn lasts anyway."""

    async def keep(self, claim: Claim, answer: dict[str, Any]) -> None:
        self.rows[claim.key] = (self.rows[claim.key][0], answer)

    async def release(self, claim: Claim) -> None:
        self.released.add(claim.id)

    async def forget(self) -> None:
        self.rows.clear()


@dataclass
class FakeJobs:
    """Jobs in memory; a claim lasts until a dead gateway's is taken over.

    *busy* are things that another job works on. With *forgets* nothing of a job's way
    is kept: the control of what keeping is for.
    """

    jobs: dict[UUID, Job] = field(default_factory=dict)
    told: dict[UUID, int] = field(default_factory=dict)
    claims: dict[UUID, UUID] = field(default_factory=dict)
    busy: set[UUID] = field(default_factory=set)
    forgets: bool = False

    async def add(self, org_id: UUID, job: Job) -> Job:
        await self.require_free(org_id, {job.provider_id or job.id})
        return self.jobs.setdefault(job.id, job)

    async def one(self, org_id: UUID, job_id: UUID) -> Job:
        del org_id
        if job_id not in self.jobs:
            raise JobNotFoundError("There is no such job.")
        return self.jobs[job_id]

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Job]:
        del org_id, before
        return [*self.jobs.values()][:limit]

    async def require_free(self, org_id: UUID, concerns: Collection[UUID]) -> None:
        del org_id
        if self.busy & set(concerns):
            raise JobRunningError("Another job works on it.")

    async def claim(
        self,
        worker: UUID,
        *,
        lasting: timedelta,
        limit: int,
        held: Collection[UUID] = (),
    ) -> list[ClaimedJob]:
        del lasting
        free = [
            job
            for job in self.jobs.values()
            if job.status is JobStatus.RUNNING
            and self.claims.get(job.id) != worker
            and job.id not in held
        ]
        self.claims |= {job.id: worker for job in free[:limit]}
        return [
            ClaimedJob(ORGANIZATION, job, self.told.get(job.id, 0))
            for job in free[:limit]
        ]

    async def renew(self, worker: UUID, *, lasting: timedelta) -> None:
        """Do nothing: a claim lasts anyway."""

    async def keep(self, worker: UUID, org_id: UUID, job: Job) -> bool:
        del org_id
        if self.claims.get(job.id) != worker:
            return False
        if not self.forgets or job.status is not JobStatus.RUNNING:
            self.jobs[job.id] = job
        return True

    async def note_told(self, worker: UUID, org_id: UUID, job: Job) -> None:
        del worker, org_id
        self.told[job.id] = job.version

    async def release(self, worker: UUID, job_id: UUID) -> None:
        if self.claims.get(job_id) == worker:
            del self.claims[job_id]
