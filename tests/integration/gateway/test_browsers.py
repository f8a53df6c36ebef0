"""What other sites cannot make a logged-in browser do."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from gateway.app import serving
from gateway.settings import Settings

from .conftest import OWNER_KEY
from .people import Browser, browser, joined

pytestmark = pytest.mark.integration

ADA = "ada@example.com"
AGENT = {"name": "a", "agent_type_id": "01900000-0000-7000-8000-000000000001"}


@pytest_asyncio.fixture
async def ada(
    settings: Settings, client: aiohttp.ClientSession
) -> AsyncIterator[Browser]:
    """Somebody who has logged in at this machine."""
    async with browser(f"http://127.0.0.1:{settings.port}") as opened:
        await joined(client, opened, email=ADA, role="owner")
        yield opened


async def test_a_change_needs_the_token(ada: Browser) -> None:
    missing = await ada.ask("POST", "/api/agents", AGENT, X_CSRF_Token="")
    wrong = await ada.ask("POST", "/api/agents", AGENT, X_CSRF_Token="0" * 64)
    right = await ada.ask("POST", "/api/agents", AGENT)

    for refused in (missing, wrong):
        assert refused.status == 403
        assert refused.body["error_code"] == "CROSS_SITE_REQUEST"
    assert right.status == 503  # nobody answers, but it was asked


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},
    ],
)
async def test_a_change_comes_from_a_page_of_ours(
    ada: Browser, headers: dict[str, str]
) -> None:
    refused = await ada.ask("POST", "/api/agents", AGENT, **headers)
    own = await ada.ask(
        "POST", "/api/agents", AGENT, Origin=ada.url, Sec_Fetch_Site="same-origin"
    )

    assert refused.body["error_code"] == "CROSS_SITE_REQUEST"
    assert own.status == 503


async def test_another_site_logs_nobody_in(ada: Browser) -> None:
    body = {"email": ADA, "password": "correct horse battery staple"}

    refused = await ada.ask(
        "POST", "/api/sessions", body, Origin="https://evil.example"
    )

    assert refused.body["error_code"] == "CROSS_SITE_REQUEST"


async def test_the_cookie_of_this_machine_is_out_of_reach_of_scripts(
    ada: Browser,
) -> None:
    answer = await ada.log_in(ADA)

    [name, *attributes] = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith("ag2trust_session=")
    assert set(attributes) == {"Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Lax"}


async def test_nobody_logs_in_in_the_clear(ada: Browser) -> None:
    body = {"email": ADA, "password": "correct horse battery staple"}

    refused = await ada.ask("POST", "/api/sessions", body, Host="gateway.example")

    assert refused.status == 403
    assert "https" in refused.body["error"]


async def test_behind_tls_the_cookie_is_bound_to_this_host(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://a.example"})
    headers = {"Host": "a.example", "Origin": "https://a.example"}
    async with (
        serving(public) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        async with session.post(
            "/api/users", json={"email": ADA}, headers={"X-API-Key": OWNER_KEY}
        ) as invited:
            link = (await invited.json())["invitation_link"]
        body = {"token": link.partition("#")[2], "password": "a long password"}
        async with session.post(
            "/api/invitations/accept", json=body, headers=headers
        ) as accepted:
            cookie = accepted.headers["Set-Cookie"]
        value = cookie.partition(";")[0]
        async with session.get("/api/me", headers={"Cookie": value}) as me:
            assert me.status == 200
        plain = value.replace("__Host-", "")
        async with session.get("/api/me", headers={"Cookie": plain}) as refused:
            assert refused.status == 401

    assert link.startswith("https://a.example/welcome#")
    assert value.startswith("__Host-ag2trust_session=")
    assert "; Secure" in cookie
    assert "; Path=/" in cookie
    assert "Domain" not in cookie
