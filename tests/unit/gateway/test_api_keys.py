import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict

from gateway.access.permissions import Permission, Role
from shared.contracts.agent_runner import LIST_AGENTS
from shared.contracts.base import Page

from .conftest import OWNER_KEY, Client
from .fakes import FakeApiKeys, Neighbours
from .objects import ELSEWHERE, SOME_ID

URL = "/api/api-keys"


async def test_a_new_key_is_shown_once_and_opens(
    client: ClientSession,
    stranger: Client,
    neighbours: Neighbours,
    logged: list[EventDict],
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))

    async with client.post(URL, json={"name": "CI", "role": "operator"}) as response:
        created = await response.json()
    async with client.get(URL) as listed:
        page = await listed.json()
    async with stranger.get(
        "/api/agents", headers={"X-API-Key": created["key"]}
    ) as opened:
        assert opened.status == 200

    assert response.status == 201
    assert created["role"] == "operator"
    assert created["key"].startswith(created["prefix"])
    assert page["data"][0] == {
        "id": created["id"],
        "name": "CI",
        "role": "operator",
        "scopes": None,
        "prefix": created["prefix"],
        "created_at": "2026-01-01T12:00:00Z",
        "expires_at": None,
        "last_used_at": None,
    }
    assert created["key"] not in str(logged)


async def test_only_the_hash_of_a_key_is_recorded(
    client: ClientSession, api_keys: FakeApiKeys
) -> None:
    async with client.post(URL, json={"name": "CI"}) as response:
        created = await response.json()

    [record] = [key for key in api_keys.keys if key.name == "CI"]
    assert record.role is Role.VIEWER
    assert created["key"] not in repr(record)
    [(act, key_id, actor)] = api_keys.audited
    assert (act, str(key_id)) == ("created", created["id"])
    assert actor.id == str(api_keys.keys[0].id)


async def test_a_revoked_key_opens_nothing_from_then_on(
    client: ClientSession,
    stranger: Client,
    neighbours: Neighbours,
    api_keys: FakeApiKeys,
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))
    key = "cust_" + "k" * 40
    record = api_keys.give(key, Role.OPERATOR)
    async with stranger.get("/api/agents", headers={"X-API-Key": key}) as before:
        assert before.status == 200

    async with client.delete(f"{URL}/{record.id}") as revoked:
        assert revoked.status == 204

    async with stranger.get("/api/agents", headers={"X-API-Key": key}) as after:
        assert after.status == 401
    async with client.delete(f"{URL}/{record.id}") as again:
        assert again.status == 404
        assert (await again.json())["error_code"] == "API_KEY_NOT_FOUND"


async def test_keys_come_in_pages(client: ClientSession, api_keys: FakeApiKeys) -> None:
    for letter in "abc":
        api_keys.give(f"cust_{letter * 40}", Role.VIEWER)
    api_keys.give("cust_" + "e" * 40, Role.VIEWER, org_id=ELSEWHERE)
    names: list[str] = []
    cursor: str | None = None

    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        async with client.get(URL, params=params) as response:
            page = await response.json()
        names += [key["name"] for key in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert names == ["key 3", "key 2", "key 1", "key 0"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
async def test_keys_are_no_business_of_lesser_roles(
    stranger: Client, api_keys: FakeApiKeys, role: Role
) -> None:
    key = "cust_" + "l" * 40
    api_keys.give(key, role)
    headers = {"X-API-Key": key}

    async with stranger.get(URL, headers=headers) as looked:
        assert looked.status == 403
    async with stranger.post(URL, headers=headers, json={"name": "CI"}) as made:
        assert made.status == 403
    async with stranger.delete(f"{URL}/{SOME_ID}", headers=headers) as revoked:
        assert revoked.status == 403


async def test_an_admin_makes_and_ends_no_owner_key(
    stranger: Client, api_keys: FakeApiKeys
) -> None:
    key = "cust_" + "m" * 40
    api_keys.give(key, Role.ADMIN)
    headers = {"X-API-Key": key}
    owner = api_keys.keys[0]

    async with stranger.post(
        URL, headers=headers, json={"name": "more", "role": "owner"}
    ) as made:
        assert made.status == 403
    async with stranger.delete(f"{URL}/{owner.id}", headers=headers) as revoked:
        assert revoked.status == 403

    assert owner in api_keys.keys


async def test_a_key_with_scopes_lets_in_nobody_who_may_more(
    stranger: Client, api_keys: FakeApiKeys
) -> None:
    key = "cust_" + "n" * 40
    record = api_keys.give(key, Role.ADMIN)
    api_keys.narrow(record.id, frozenset({Permission.USERS_WRITE}))
    headers = {"X-API-Key": key}

    async with stranger.post(
        "/api/users", headers=headers, json={"email": "a@b", "role": "admin"}
    ) as invited:
        assert invited.status == 403
    async with stranger.patch(
        f"/api/users/{SOME_ID}", headers=headers, json={"role": "viewer"}
    ) as raised:
        assert raised.status == 403


async def test_the_last_owner_key_stays(
    client: ClientSession, api_keys: FakeApiKeys
) -> None:
    async with client.delete(f"{URL}/{api_keys.keys[0].id}") as response:
        assert response.status == 409
        assert (await response.json())["error_code"] == "CONFLICT"


async def test_a_name_is_taken_once(client: ClientSession) -> None:
    async with client.post(URL, json={"name": "key 0"}) as response:
        assert response.status == 409
        assert (await response.json())["error_code"] == "NAME_TAKEN"


async def test_a_cursor_nobody_gave_is_refused(client: ClientSession) -> None:
    async with client.get(f"{URL}?cursor={OWNER_KEY}") as response:
        assert response.status == 422
