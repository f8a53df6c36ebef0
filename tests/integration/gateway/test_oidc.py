"""Logging in at an identity provider: who is known comes in, and nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.app import serving
from gateway.settings import Settings

from .conftest import OWNER_KEY
from .identity_provider import (
    CLIENT,
    FakeIdentityProvider,
    serving_identity_provider,
)

pytestmark = pytest.mark.integration

ADA = "ada@example.com"


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[FakeIdentityProvider]:
    async with serving_identity_provider() as serving_provider:
        yield serving_provider


@dataclass
class Visitor:
    """A browser that follows no redirect by itself."""

    session: aiohttp.ClientSession
    url: str

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        async with self.session.get(
            self.url + path, params=query, allow_redirects=False
        ) as response:
            if response.status == 302:
                return 302, response.headers["Location"]
            return response.status, await response.json()

    async def come_in(self, provider: FakeIdentityProvider) -> tuple[int, Any]:
        """Go there and back again."""
        status, location = await self.get("/api/oidc/start")
        assert status == 302, location
        return await self.get("/api/oidc/callback", **provider.consent(location))


@pytest_asyncio.fixture
async def visitor(
    settings: Settings, provider: FakeIdentityProvider
) -> AsyncIterator[Visitor]:
    """Somebody at a gateway where Ada is invited."""
    told = settings.model_copy(
        update={"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT}
    )
    jar = aiohttp.CookieJar(unsafe=True)
    async with serving(told) as port, aiohttp.ClientSession(cookie_jar=jar) as session:
        url = f"http://127.0.0.1:{port}"
        async with session.post(
            f"{url}/api/users",
            json={"email": ADA, "role": "operator"},
            headers={"X-API-Key": OWNER_KEY},
        ) as invited:
            assert invited.status == 201
        yield Visitor(session, url)


async def test_who_is_known_comes_in_without_a_password(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    came = await visitor.come_in(provider)
    status, me = await visitor.get("/api/me")

    assert came == (302, "/")
    assert status == 200
    assert (me["user"]["email"], me["role"]) == (ADA, "operator")
    assert me["user"]["status"] == "active"
    assert (await visitor.get("/api/oidc")) == (200, {"is_enabled": True})


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "eve@example.com"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
async def test_nobody_comes_in_by_a_token_that_is_not_right(
    visitor: Visitor, provider: FakeIdentityProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims

    status, body = await visitor.come_in(provider)

    assert status == 401
    assert body["error_code"] == "LOGIN_REFUSED"
    assert (await visitor.get("/api/me"))[0] == 401


async def test_nobody_comes_in_by_a_token_of_another_key(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    provider.signing_key = rsa.generate_private_key(65537, 2048)

    assert (await visitor.come_in(provider))[0] == 401


async def test_a_key_that_is_new_over_there_lets_people_in_at_once(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    before = await visitor.come_in(provider)
    provider.change_key()

    after = await visitor.come_in(provider)

    assert (before, after) == ((302, "/"), (302, "/"))


async def test_an_endpoint_keeps_the_query_it_has(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    provider.endpoint_query = "?policy=staff"

    status, location = await visitor.get("/api/oidc/start")
    came = await visitor.get("/api/oidc/callback", **provider.consent(location))

    assert status == 302
    assert parse_qs(urlsplit(location).query)["policy"] == ["staff"]
    assert came == (302, "/")


async def test_what_else_an_identity_provider_says_is_ignored(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    _, location = await visitor.get("/api/oidc/start")
    back = provider.consent(location)

    came = await visitor.get("/api/oidc/callback", **back, client_info="eyJ1aWQi")

    assert came == (302, "/")


async def test_a_code_is_good_in_the_browser_that_asked_for_it_and_once(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    _, location = await visitor.get("/api/oidc/start")
    back = provider.consent(location)
    async with aiohttp.ClientSession() as session:
        stolen = await Visitor(session, visitor.url).get("/api/oidc/callback", **back)

    first = await visitor.get("/api/oidc/callback", **back)
    second = await visitor.get("/api/oidc/callback", **back)

    assert (stolen[0], first[0], second[0]) == (401, 302, 401)


async def test_who_refuses_over_there_is_told_so(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    _, location = await visitor.get("/api/oidc/start")
    state = provider.consent(location)["state"]

    status, body = await visitor.get(
        "/api/oidc/callback", state=state, error="access_denied"
    )

    assert (status, body["error_code"]) == (401, "LOGIN_REFUSED")


async def test_an_email_that_goes_to_somebody_else_lets_that_one_not_in(
    visitor: Visitor, provider: FakeIdentityProvider
) -> None:
    first = await visitor.come_in(provider)
    provider.claims = {"sub": "subject-2"}

    second = await visitor.come_in(provider)

    assert (first[0], second[0]) == (302, 401)


async def test_without_the_provider_it_is_told_to_come_back(
    settings: Settings, unused_tcp_port: int
) -> None:
    told = settings.model_copy(
        update={
            "oidc_issuer": f"http://127.0.0.1:{unused_tcp_port}",
            "oidc_client_id": CLIENT,
        }
    )
    async with serving(told) as port, aiohttp.ClientSession() as session:
        status, body = await Visitor(session, f"http://127.0.0.1:{port}").get(
            "/api/oidc/start"
        )

    assert (status, body["error_code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_without_one_nobody_is_sent_anywhere(settings: Settings) -> None:
    async with serving(settings) as port, aiohttp.ClientSession() as session:
        visitor = Visitor(session, f"http://127.0.0.1:{port}")
        enabled = await visitor.get("/api/oidc")
        start = await visitor.get("/api/oidc/start")

    assert enabled == (200, {"is_enabled": False})
    assert start[0] == 404
