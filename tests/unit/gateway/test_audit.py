import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Role
from shared.contracts.base import Actor, AuditEntry, Page
from shared.contracts.credentials import LIST_AUDIT

from .conftest import Client
from .fakes import FakeApiKeys, Neighbours
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


async def test_the_audit_is_told_in_pages(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_AUDIT, Page(data=[ENTRY], next_cursor=str(SOME_ID)))

    async with client.get(
        "/api/audit", params={"limit": "1", "cursor": "x"}
    ) as response:
        body = await response.json()

    question = neighbours.question(LIST_AUDIT)
    assert response.status == 200
    assert body == {
        "data": [
            {
                "id": str(SOME_ID),
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
    assert (question.org_id, question.limit, question.cursor) == (ORGANIZATION, 1, "x")


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
    neighbours.answer(LIST_AUDIT, Page(data=[]))

    async with stranger.get("/api/audit", headers={"X-API-Key": SOME_KEY}) as response:
        assert response.status == status
