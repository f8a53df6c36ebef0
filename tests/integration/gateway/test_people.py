"""People: invited, logged in, changed, removed; over the real gateway and record."""

from collections.abc import AsyncIterator
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio

from gateway.settings import Settings

from .conftest import OWNER_KEY, Superuser
from .people import PASSWORD, Browser, browser, joined

pytestmark = pytest.mark.integration

ADA = "ada@example.com"
BEN = "ben@example.com"


@pytest.fixture
def url(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


@pytest_asyncio.fixture
async def ada(url: str) -> AsyncIterator[Browser]:
    async with browser(url) as opened:
        yield opened


@pytest_asyncio.fixture
async def ben(url: str) -> AsyncIterator[Browser]:
    async with browser(url) as opened:
        yield opened


async def test_who_is_invited_sets_a_password_and_is_in(
    client: aiohttp.ClientSession, ada: Browser, superuser: Superuser
) -> None:
    user = await joined(client, ada, email=" Ada@Example.com ", role="admin")
    me = await ada.ask("GET", "/api/me")

    assert (user["email"], user["role"], user["status"]) == (ADA, "admin", "active")
    assert me.body["kind"] == "user"
    assert me.body["user"]["id"] == user["id"]
    assert me.body["csrf_token"] == ada.csrf_token
    assert "audit:read" in me.body["permissions"]
    assert "master-key:write" not in me.body["permissions"]
    stored = await superuser.fetchrow("SELECT password_hash FROM user_account")
    assert stored is not None
    assert stored["password_hash"].startswith("$argon2id$")
    acts = await superuser.fetch("SELECT object_kind, act, actor_kind FROM audit")
    assert ("user", "created", "api_key") in {tuple(row) for row in acts}
    assert ("user", "joined", "user") in {tuple(row) for row in acts}
    assert ("session", "started", "user") in {tuple(row) for row in acts}


async def test_a_browser_is_told_who_is_logged_in_and_that_nobody_is_without_an_error(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    hers = await ada.ask("GET", "/api/sessions/current")
    his = await ben.ask("GET", "/api/sessions/current")
    strange = await ben.ask(
        "GET", "/api/sessions/current", Cookie="ag2trust_session=nobody"
    )

    assert hers.body["me"] == (await ada.ask("GET", "/api/me")).body
    assert (his.status, his.body) == (200, {"me": None})
    assert (strange.status, strange.body) == (200, {"me": None})


async def test_a_link_is_good_once(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    async with client.post("/api/users", json={"email": ADA}) as told:
        link = (await told.json())["invitation_link"]
    token = {"token": link.partition("#")[2]}
    looked_at = await ben.ask("POST", "/api/invitations/inspect", token)

    first = await ada.accept(link)
    second = await ben.accept(link)
    looked_again = await ben.ask("POST", "/api/invitations/inspect", token)

    assert looked_at.body["email"] == ADA
    assert looked_at.body["organization"] == "default"
    assert (first.status, second.status, looked_again.status) == (201, 404, 404)
    assert second.body["error_code"] == "INVITATION_NOT_FOUND"


async def test_a_new_link_ends_the_one_before_and_all_sessions(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    user = await joined(client, ada, email=ADA, role="viewer")
    links = []
    for _ in range(2):
        async with client.post(f"/api/users/{user['id']}/invite") as told:
            links.append((await told.json())["invitation_link"])

    old = await ben.accept(links[0])
    new = await ben.accept(links[1], password="another long password")
    before = await ada.ask("GET", "/api/me")
    with_old_password = await ada.log_in(ADA)

    assert (old.status, new.status) == (404, 201)
    assert before.body["error_code"] == "SESSION_ENDED"
    assert with_old_password.status == 401


async def test_a_wrong_name_and_a_wrong_password_are_told_the_same(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    wrong_password = await ben.log_in(ADA, "a wrong password")
    wrong_name = await ben.log_in("nobody@example.com")
    right = await ben.log_in("ADA@example.com")

    for refused in (wrong_password, wrong_name):
        assert refused.status == 401
        assert refused.body["error_code"] == "LOGIN_REFUSED"
        assert "Set-Cookie" not in refused.headers
    assert wrong_name.body["error"] == wrong_password.body["error"]
    assert right.status == 201


async def test_too_many_tries_are_refused_whatever_the_password(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    tries = [await ben.log_in(ADA, "a wrong password") for _ in range(11)]
    right = await ben.log_in(ADA)
    another = await ben.log_in("somebody.else@example.com")

    assert [each.status for each in tries] == [401] * 10 + [429]
    assert right.status == 429
    assert right.body["error_code"] == "RATE_LIMITED"
    assert 0 < int(right.headers["Retry-After"]) <= 900
    assert another.status == 401


async def test_a_password_is_guessed_no_faster_in_a_session(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")
    guess = {"current_password": "wrong", "new_password": "another long password"}
    path = "/api/users/me/password"

    tries = [await ada.ask("POST", path, guess) for _ in range(11)]
    right = await ada.ask("POST", path, guess | {"current_password": PASSWORD})

    assert [each.status for each in tries] == [401] * 10 + [429]
    assert right.body["error_code"] == "RATE_LIMITED"
    assert (await ben.log_in(ADA)).status == 429


async def test_the_right_password_takes_back_what_was_tried(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    for _ in range(2):
        for _ in range(9):
            assert (await ben.log_in(ADA, "a wrong password")).status == 401
        assert (await ben.log_in(ADA)).status == 201


async def test_who_was_let_in_is_shown_the_sessions_and_ends_them(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")
    await ben.log_in(ADA)
    listed = await ada.ask("GET", "/api/sessions")
    [other] = [each for each in listed.body["data"] if not each["is_current"]]

    ended = await ada.ask("DELETE", f"/api/sessions/{other['id']}")

    assert len(listed.body["data"]) == 2
    assert ended.status == 204
    assert (await ben.ask("GET", "/api/me")).body["error_code"] == "SESSION_ENDED"
    assert (await ada.ask("GET", "/api/me")).status == 200


async def test_who_logs_out_is_out(client: aiohttp.ClientSession, ada: Browser) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    logged_out = await ada.ask("DELETE", "/api/sessions/current")

    assert logged_out.status == 204
    assert "Max-Age=0" in logged_out.headers["Set-Cookie"]
    assert (await ada.ask("GET", "/api/me")).status == 401


async def test_of_many_sessions_the_newest_ten_go_on(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    for _ in range(10):
        assert (await ben.log_in(ADA)).status == 201

    listed = await ben.ask("GET", "/api/sessions")
    assert len(listed.body["data"]) == 10
    assert (await ada.ask("GET", "/api/me")).status == 401


async def test_a_new_password_ends_all_sessions_but_the_one_it_begins(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")
    await ben.log_in(ADA)
    change = {"current_password": PASSWORD, "new_password": "another long password"}

    wrong = await ada.ask(
        "POST", "/api/users/me/password", {**change, "current_password": "wrong"}
    )
    changed = await ada.ask("POST", "/api/users/me/password", change)

    assert wrong.body["error_code"] == "LOGIN_REFUSED"
    assert changed.status == 200
    assert (await ada.ask("GET", "/api/me")).status == 200
    assert (await ben.ask("GET", "/api/me")).status == 401
    assert (await ben.log_in(ADA)).status == 401
    assert (await ben.log_in(ADA, "another long password")).status == 201


@pytest.mark.parametrize("change", [{"role": "operator"}, {"is_enabled": False}])
async def test_who_gets_other_rights_logs_in_anew(
    client: aiohttp.ClientSession, ada: Browser, change: dict[str, object]
) -> None:
    user = await joined(client, ada, email=ADA, role="viewer")
    path = f"/api/users/{user['id']}"

    stale = {"If-Match": '"1"'}
    async with client.patch(path, json=change, headers=stale) as refused:
        assert refused.status == 412
    async with client.patch(path, json=change) as told:
        assert told.status == 200
        assert told.headers["ETag"] == f'"{user["version"] + 1}"'

    assert (await ada.ask("GET", "/api/me")).status == 401
    again = await ada.log_in(ADA)
    assert again.status == (401 if "is_enabled" in change else 201)


async def test_nobody_acts_on_one_above(
    client: aiohttp.ClientSession, ada: Browser, ben: Browser
) -> None:
    await joined(client, ada, email=ADA, role="admin")
    owner = await joined(client, ben, email=BEN, role="owner")
    path = f"/api/users/{owner['id']}"

    answers = [
        await ada.ask("PATCH", path, {"name": "Eve"}),
        await ada.ask("DELETE", path),
        await ada.ask("POST", f"{path}/invite"),
        await ada.ask("POST", "/api/users", {"email": "e@e", "role": "owner"}),
    ]

    assert [each.status for each in answers] == [403] * 4
    assert (await ben.ask("GET", "/api/me")).status == 200


async def test_an_owner_is_left_person_or_key(
    client: aiohttp.ClientSession, ada: Browser
) -> None:
    async with client.get("/api/api-keys") as listed:
        [key] = (await listed.json())["data"]
    user = await joined(client, ada, email=ADA, role="owner")
    path = f"/api/users/{user['id']}"

    key_revoked = await ada.ask("DELETE", f"/api/api-keys/{key['id']}")
    answers = [
        await ada.ask("DELETE", path),
        await ada.ask("PATCH", path, {"role": "admin"}),
        await ada.ask("PATCH", path, {"is_enabled": False}),
    ]

    assert key_revoked.status == 204
    assert [each.status for each in answers] == [409] * 3
    assert (await ada.ask("GET", "/api/me")).body["role"] == "owner"


async def test_who_is_removed_is_out(
    client: aiohttp.ClientSession, ada: Browser
) -> None:
    user = await joined(client, ada, email=ADA, role="owner")

    async with client.delete(f"/api/users/{user['id']}") as told:
        assert told.status == 204

    assert (await ada.ask("GET", "/api/me")).status == 401
    assert (await ada.log_in(ADA)).status == 401
    async with client.get(f"/api/users/{user['id']}") as told:
        assert (await told.json())["error_code"] == "USER_NOT_FOUND"


async def test_an_email_is_taken_once(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/users", json={"email": ADA}) as first:
        assert first.status == 201
    async with client.post("/api/users", json={"email": "ADA@example.com"}) as second:
        assert (await second.json())["error_code"] == "NAME_TAKEN"


async def test_a_link_is_not_shown_again(client: aiohttp.ClientSession) -> None:
    headers = {"Idempotency-Key": "invite-ada"}

    async with client.post("/api/users", json={"email": ADA}, headers=headers) as first:
        made = await first.json()
    async with client.post("/api/users", json={"email": ADA}, headers=headers) as again:
        told = await again.json()

    assert again.headers["Idempotency-Replayed"] == "true"
    assert "#" in made.pop("invitation_link")
    assert told == made


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/api/users", {"email": ADA}, "invitation_link"),
        ("/api/api-keys", {"name": "CI"}, "key"),
    ],
)
async def test_what_a_gateway_made_and_could_not_tell_is_told_when_asked_again(
    client: aiohttp.ClientSession,
    superuser: Superuser,
    path: str,
    body: dict[str, str],
    secret: str,
) -> None:
    headers = {"Idempotency-Key": "once"}

    async with client.post(path, json=body, headers=headers) as first:
        made = await first.json()
    await superuser.execute(
        "UPDATE idempotency_key SET answer = NULL, claimed_until = now()"
    )
    async with client.post(path, json=body, headers=headers) as again:
        told = await again.json()

    created = await superuser.fetchval(
        "SELECT count(*) FROM audit WHERE object_id = $1", UUID(made["id"])
    )
    assert (again.status, told["id"], created) == (201, made["id"], 1)
    assert made[secret] != told[secret]


async def test_a_key_has_no_sessions_and_no_password(
    client: aiohttp.ClientSession,
) -> None:
    async with client.get("/api/sessions") as sessions:
        assert sessions.status == 403
    async with client.get("/api/me") as me:
        body = await me.json()

    assert (body["kind"], body["user"], body["csrf_token"]) == ("api_key", None, None)


async def test_who_sends_a_key_means_it(
    client: aiohttp.ClientSession, ada: Browser
) -> None:
    await joined(client, ada, email=ADA, role="viewer")

    by_key = await ada.ask("GET", "/api/me", X_API_Key=OWNER_KEY)
    by_wrong_key = await ada.ask("GET", "/api/me", X_API_Key="cust_nobody")

    assert by_key.body["kind"] == "api_key"
    assert by_wrong_key.status == 401


async def test_the_organization_is_renamed(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/organization") as told:
        before = await told.json()
    async with client.patch(
        "/api/organization", json={"name": "Acme"}, headers={"If-Match": '"1"'}
    ) as told:
        after = await told.json()
    async with client.patch(
        "/api/organization", json={"name": "Other"}, headers={"If-Match": '"1"'}
    ) as stale:
        assert stale.status == 412
    async with client.patch(
        "/api/organization", json={}, headers={"If-Match": '"1"'}
    ) as unchanged:
        assert unchanged.status == 412

    assert (before["name"], before["version"]) == ("default", 1)
    assert (after["id"], after["name"], after["version"]) == (before["id"], "Acme", 2)
