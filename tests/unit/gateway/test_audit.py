"""The audit of four owners, told as one."""

from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.permissions import Role
from gateway.audit_trail import AuditTrail
from shared.bus import answer
from shared.contracts import agent_runner, credentials, metrics
from shared.contracts.audit_verification import (
    VERIFY_AUDIT,
    AuditFinding,
    AuditFlaw,
    AuditVerification,
)
from shared.contracts.base import Actor, AuditEntry, Page, PageQuestion, Service
from shared.errors import UnavailableError
from shared.ids import new_id
from shared.pages import before, page_of
from shared.testing import FakeBus

from .conftest import Client
from .fakes import FakeApiKeys, FakeAudit, Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID

SOME_KEY = "cust_" + "a" * 40
ENTRY = AuditEntry(
    id=SOME_ID,
    position=7,
    at=NOON,
    actor=Actor(kind="service", id="runner-1"),
    act="lease.granted",
    object_kind="provider",
    object_id=SOME_ID,
    details={"credential_version": 1},
    request_id="request-1",
    hash="ab" * 32,
)
OWNERS = {
    Service.CREDENTIALS: credentials.LIST_AUDIT,
    Service.AGENT_RUNNER: agent_runner.LIST_AUDIT,
    Service.METRICS: metrics.LIST_AUDIT,
}
TOUCHED = AuditVerification(
    verified_at=NOON,
    is_whole=False,
    entries=9,
    position=9,
    hash="ab" * 32,
    kept_heads=3,
    head_kept_at=NOON,
    flaws=1,
    findings=[AuditFinding(flaw=AuditFlaw.EDITED, position=4, entry_id=SOME_ID)],
    unreadable_heads=0,
)
WHOSE = st.lists(st.sampled_from(Service), max_size=40)


def _entry(service: Service, number: int) -> AuditEntry:
    return AuditEntry(
        id=UUID(int=number),
        service=service,
        at=NOON + timedelta(seconds=number),
        actor=Actor(kind="user", id="ada"),
        act="thing.made",
        object_kind="thing",
        object_id=SOME_ID,
    )


class Owners:
    """Everybody who keeps an audit, and the trail through it."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        self.kept = {service: FakeAudit() for service in Service}
        self.trail = AuditTrail(self.bus, self.kept[Service.GATEWAY])
        for service, endpoint in OWNERS.items():
            self.bus.serve(answer(endpoint, self._answer_of(service)))

    def write(self, whose: list[Service]) -> None:
        for service in whose:
            number = sum(len(each.kept) for each in self.kept.values()) + 1
            self.kept[service].kept.append(_entry(service, number))

    async def page(self, limit: int, cursor: str | None) -> Page[AuditEntry]:
        return await self.trail.page(
            PageQuestion(
                org_id=ORGANIZATION,
                actor=Actor(kind="user", id="ada"),
                limit=limit,
                cursor=cursor,
            )
        )

    def _answer_of(self, service: Service):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def page(question: PageQuestion) -> Page[AuditEntry]:
            found = await self.kept[service].entries(
                question.org_id,
                before=before(question.cursor),
                limit=question.limit + 1,
            )
            return page_of(found, limit=question.limit, id_of=lambda each: each.id)

        return page


@given(WHOSE, st.integers(1, 7), st.lists(WHOSE, max_size=5))
async def test_every_entry_is_told_once_and_newest_first_whoever_keeps_it(
    whose: list[Service], limit: int, meanwhile: list[list[Service]]
) -> None:
    owners = Owners()
    owners.write(whose)
    told: list[int] = []
    cursor: str | None = None

    while True:
        page = await owners.page(limit, cursor)
        told += [each.id.int for each in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.data) == limit
        owners.write(meanwhile.pop() if meanwhile else [])

    assert told == [*range(len(whose), 0, -1)]


async def test_without_one_of_the_owners_nothing_is_told() -> None:
    owners = Owners()
    owners.write([Service.GATEWAY])
    del owners.bus.answers[metrics.LIST_AUDIT.subject]

    with pytest.raises(UnavailableError):
        await owners.page(50, None)


async def test_an_entry_is_told_with_its_place_in_the_chain(
    client: ClientSession, neighbours: Neighbours
) -> None:
    for endpoint in OWNERS.values():
        neighbours.answer(endpoint, Page(data=[]))
    neighbours.answer(credentials.LIST_AUDIT, Page(data=[ENTRY], next_cursor="x"))
    cursor = str(new_id())

    async with client.get(
        "/api/audit", params={"limit": "1", "cursor": cursor}
    ) as response:
        body = await response.json()

    question = neighbours.question(credentials.LIST_AUDIT)
    assert response.status == 200
    assert body == {
        "data": [
            {
                "id": str(SOME_ID),
                "service": "credentials",
                "position": 7,
                "at": "2026-01-01T12:00:00Z",
                "actor": {"kind": "service", "id": "runner-1"},
                "act": "lease.granted",
                "object_kind": "provider",
                "object_id": str(SOME_ID),
                "details": {"credential_version": 1},
                "request_id": "request-1",
                "hash": "ab" * 32,
            }
        ],
        "next_cursor": str(SOME_ID),
    }
    assert (question.org_id, question.limit) == (ORGANIZATION, 1)
    assert question.cursor == cursor


async def test_a_cursor_that_is_none_of_ours_is_refused(client: ClientSession) -> None:
    async with client.get("/api/audit", params={"cursor": "x"}) as response:
        assert response.status == 422


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.ADMIN, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403)],
)
async def test_only_an_owner_or_admin_reads_the_audit(
    stranger: Client,
    api_keys: FakeApiKeys,
    neighbours: Neighbours,
    role: Role,
    status: int,
) -> None:
    api_keys.give(SOME_KEY, role)
    for endpoint in OWNERS.values():
        neighbours.answer(endpoint, Page(data=[]))

    async with stranger.get("/api/audit", headers={"X-API-Key": SOME_KEY}) as response:
        assert response.status == status


async def test_a_verification_names_the_entry_that_was_touched(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(VERIFY_AUDIT, TOUCHED)

    async with client.post("/api/audit/verify") as response:
        body = await response.json()

    assert response.status == 200
    assert body["is_whole"] is False
    assert body["findings"] == [
        {
            "flaw": "edited",
            "position": 4,
            "through": None,
            "entry_id": str(SOME_ID),
            "moved_from": None,
            "kept_at": None,
        }
    ]
    assert neighbours.question(VERIFY_AUDIT).org_id == ORGANIZATION
