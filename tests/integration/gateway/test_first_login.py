"""The one-time link by which the first person comes in."""

import aiohttp
import pytest

from gateway.access.tokens import hash_of
from gateway.app import serving
from gateway.login_link import login_link
from gateway.settings import Settings

from .people import browser

pytestmark = pytest.mark.integration

LINK = "http://anywhere/welcome#the-first-token"


@pytest.fixture
def with_link(settings: Settings) -> Settings:
    return settings.model_copy(update={"first_login_hash": hash_of("the-first-token")})


async def test_the_first_person_becomes_an_owner_by_the_link(
    with_link: Settings,
) -> None:
    async with serving(with_link) as port, browser(f"http://127.0.0.1:{port}") as who:
        without_name = await who.accept(LINK)
        came_in = await who.accept(LINK, email="ada@example.com", name="Ada")
        me = await who.ask("GET", "/api/me")
        again = await who.accept(LINK, email="eve@example.com")

    assert without_name.status == 422
    assert [each["field"] for each in without_name.body["details"]["fields"]] == [
        "email"
    ]
    assert came_in.status == 201
    assert (me.body["role"], me.body["user"]["name"]) == ("owner", "Ada")
    assert again.status == 404


async def test_a_later_start_offers_a_new_link_until_somebody_has_come(
    with_link: Settings,
) -> None:
    another = with_link.model_copy(update={"first_login_hash": hash_of("another")})

    async with serving(with_link):
        pass
    async with serving(another) as port, browser(f"http://127.0.0.1:{port}") as who:
        old = await who.accept(LINK, email="eve@example.com")
        new = await who.accept("#another", email="ada@example.com")
    async with serving(with_link) as port, browser(f"http://127.0.0.1:{port}") as late:
        too_late = await late.accept(LINK, email="eve@example.com")

    assert (old.status, new.status, too_late.status) == (404, 201, 404)


async def test_who_runs_the_gateway_makes_links(settings: Settings) -> None:
    async with serving(settings) as port, browser(f"http://127.0.0.1:{port}") as who:
        first = await login_link(settings, None)
        joined = await who.accept(str(first), email="ada@example.com")
        for_nobody = [
            await login_link(settings, None),
            await login_link(settings, "eve@example.com"),
        ]
        forgotten = await login_link(settings, " Ada@example.com")
        renewed = await who.accept(str(forgotten), password="another long password")

    assert (joined.status, renewed.status) == (201, 201)
    assert renewed.body["user"]["id"] == joined.body["user"]["id"]
    assert for_nobody == [None, None]


async def test_a_link_for_who_is_locked_out_ends_the_one_before(
    settings: Settings,
) -> None:
    async with serving(settings) as port, browser(f"http://127.0.0.1:{port}") as who:
        await who.accept(str(await login_link(settings, None)), email="a@example.com")
        links = [await login_link(settings, "a@example.com") for _ in range(2)]
        old = await who.accept(str(links[0]))
        new = await who.accept(str(links[1]))

    assert (old.status, new.status) == (404, 201)


async def test_there_is_no_link_for_who_may_not_come_in(
    settings: Settings, client: aiohttp.ClientSession
) -> None:
    async with client.post("/api/users", json={"email": "a@example.com"}) as invited:
        path = f"/api/users/{(await invited.json())['id']}"
    async with client.patch(path, json={"is_enabled": False}) as disabled:
        assert disabled.status == 200

    assert await login_link(settings, "a@example.com") is None


async def test_without_a_link_nobody_is_let_in(settings: Settings) -> None:
    async with serving(settings) as port, browser(f"http://127.0.0.1:{port}") as who:
        answers = [
            await who.accept("#", email="eve@example.com"),
            await who.log_in("admin@example.com", "admin"),
        ]

    assert [each.status for each in answers] == [422, 401]
