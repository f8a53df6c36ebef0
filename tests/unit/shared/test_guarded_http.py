"""What the one client for foreign URLs connects to, and what it says to whom."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.unit.shared.disguised_addresses import LOOPBACK, NEVER, PRIVATE
from tests.unit.shared.foreign_site import Names, Site, in_url, serving

from shared.guarded_http import (
    AnswerTimedOutError,
    DestinationForbiddenError,
    GuardedHttp,
    Limits,
    NoAnswerError,
    guarded_http,
)
from shared.web_addresses import WebAddress

FOLLOWING = Limits(redirects=3)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


@pytest.fixture
async def private() -> AsyncIterator[GuardedHttp]:
    """Open a client that may ask this machine."""
    async with guarded_http(allow_private=True) as http:
        yield http


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE, *NEVER])
async def test_no_spelling_in_a_url_leads_inside(host: str, site: Site) -> None:
    async with guarded_http(allow_private=False) as http:
        with pytest.raises(DestinationForbiddenError):
            await http.ask("GET", f"http://{in_url(host)}:{site.port}/")

    assert site.asked == []


@pytest.mark.parametrize("spelling", [*LOOPBACK, *PRIVATE, *NEVER])
async def test_no_name_leads_inside(spelling: str, site: Site) -> None:
    names = Names(spelling)
    async with guarded_http(allow_private=False, resolver=names) as http:
        with pytest.raises(DestinationForbiddenError, match="may not be reached"):
            await http.ask("GET", site.url("/", host="public.example"))

    assert names.asked == 1
    assert site.asked == []


@pytest.mark.parametrize("spelling", NEVER)
async def test_some_addresses_are_reached_by_no_setting(spelling: str) -> None:
    async with guarded_http(allow_private=True, resolver=Names(spelling)) as http:
        with pytest.raises(DestinationForbiddenError):
            await http.ask("GET", "http://public.example/")
        with pytest.raises(DestinationForbiddenError):
            await http.ask("GET", f"http://{in_url(spelling)}/")


@pytest.mark.parametrize("spelling", ["127.0.0.1", "127.1", "2130706433", "0x7f.1"])
async def test_the_names_do_lead_there_where_that_is_allowed(
    spelling: str, site: Site
) -> None:
    async with guarded_http(allow_private=True, resolver=Names(spelling)) as http:
        answer = await http.ask("GET", site.url("/", host="public.example"))

    assert (answer.status, answer.body) == (200, b"here")


@pytest.mark.parametrize(
    "text",
    [
        "http://user@public.example/",
        "http://public.example@127.0.0.1/",
        "http://public.example\\@127.0.0.1/",
        "http://127.0.0.1#@public.example/",
        "http://public.example./",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",  # circled digits
        "http://\uff11\uff12\uff17.0.0.1/",  # full-width digits
        "http://127\u30020\u30020\u30021/",  # ideographic full stops
        "http://127.0.0.1%00.example/",
        "http://[::ffff:127.0.0.1%25lo]/",
        "http:127.0.0.1/",
        "http:///127.0.0.1/",
        "//127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://127.0.0.1:11211/",
        "http://public.example/\r\nX-Injected: yes",
        "http://public.example:22/",
        "http://public.example:25/",
        "http://metadata.google.internal/computeMetadata/v1/",
    ],
)
async def test_what_parsers_could_read_two_ways_is_refused_unresolved(
    text: str,
) -> None:
    names = Names("127.0.0.1")
    async with guarded_http(allow_private=True, resolver=names) as http:
        with pytest.raises(DestinationForbiddenError):
            await http.ask("GET", text)

    assert names.asked == 0


async def test_a_name_that_leads_elsewhere_the_second_time_is_judged_again(
    site: Site,
) -> None:
    names = Names("127.0.0.1", "169.254.169.254")
    site.redirects["/"] = (302, site.url("/", host="second.example"))
    async with guarded_http(allow_private=True, resolver=names) as http:
        with pytest.raises(DestinationForbiddenError):
            await http.ask("GET", site.url("/", host="first.example"), limits=FOLLOWING)

    assert names.asked == 2
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://metadata.google.internal/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:22/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "http://[",
    ],
)
async def test_a_redirect_leads_nowhere_a_request_may_not(
    site: Site, private: GuardedHttp, status: int, location: str
) -> None:
    site.redirects["/"] = (status, location)

    with pytest.raises(DestinationForbiddenError):
        await private.ask("GET", site.url("/"), limits=FOLLOWING)

    assert len(site.asked) == 1


async def test_nothing_secret_follows_to_another_origin(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (307, site.url("/there", host="127.0.0.2"))
    secrets = ("Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Goog-Api-Key")

    await private.ask(
        "GET",
        site.url("/"),
        headers={"Accept": "text/plain"} | dict.fromkeys(secrets, "secret"),
        limits=FOLLOWING,
    )

    (_, _, first, _), (_, path, second, _) = site.asked
    assert path == "/there"
    assert first["X-Api-Key"] == "secret"
    assert "secret" not in second.values()
    assert second["Accept"] == "text/plain"


async def test_what_was_left_behind_does_not_come_back(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (307, site.url("/there", host="127.0.0.2"))
    site.redirects["/there"] = (307, site.url("/back"))

    answer = await private.ask(
        "GET", site.url("/"), headers={"X-Api-Key": "secret"}, limits=FOLLOWING
    )

    assert answer.url == site.url("/back")
    assert "X-Api-Key" not in site.asked[2][2]


async def test_within_an_origin_all_follows(site: Site, private: GuardedHttp) -> None:
    site.redirects["/"] = (308, "/there")

    await private.ask(
        "POST",
        site.url("/"),
        headers={"X-Api-Key": "secret"},
        body=b"all",
        limits=FOLLOWING,
    )

    method, path, headers, body = site.asked[1]
    assert (method, path, body) == ("POST", "/there", b"all")
    assert headers["X-Api-Key"] == "secret"


async def test_a_body_does_not_follow_to_another_origin(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (307, site.url("/there", host="127.0.0.2"))

    with pytest.raises(DestinationForbiddenError):
        await private.ask("POST", site.url("/"), body=b"all", limits=FOLLOWING)

    assert len(site.asked) == 1


async def test_a_post_that_is_sent_to_look_elsewhere_becomes_a_get(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (303, "/there")

    await private.ask(
        "POST",
        site.url("/"),
        headers={"Content-Type": "text/plain"},
        body=b"all",
        limits=FOLLOWING,
    )

    method, _, headers, body = site.asked[1]
    assert (method, body) == ("GET", b"")
    assert "Content-Type" not in headers


async def test_redirects_end(site: Site, private: GuardedHttp) -> None:
    site.redirects["/"] = (302, "/")

    with pytest.raises(DestinationForbiddenError, match="more than 3"):
        await private.ask("GET", site.url("/"), limits=FOLLOWING)

    assert len(site.asked) == 4


async def test_without_redirects_to_follow_one_is_an_answer(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (302, "/there")

    answer = await private.ask("GET", site.url("/"))

    assert (answer.status, answer.headers["Location"]) == (302, "/there")


async def test_every_url_on_the_way_needs_a_permit(
    site: Site, private: GuardedHttp
) -> None:
    site.redirects["/"] = (302, site.url("/there", host="127.0.0.2"))

    def permit(address: WebAddress) -> None:
        if address.host != "127.0.0.1":
            raise PermissionError

    with pytest.raises(PermissionError):
        await private.ask("GET", site.url("/"), limits=FOLLOWING, permit=permit)

    assert len(site.asked) == 1


@pytest.mark.parametrize("path", ["/plain", "/packed"])
@pytest.mark.parametrize(("size", "is_whole"), [(1000, True), (1001, False)])
async def test_a_body_is_cut_at_the_limit(
    site: Site, private: GuardedHttp, path: str, *, size: int, is_whole: bool
) -> None:
    site.bodies[path] = b"a" * size

    answer = await private.ask("GET", site.url(path), limits=Limits(most_bytes=1000))

    assert (answer.body, answer.is_whole) == (b"a" * 1000, is_whole)


async def test_an_answer_that_does_not_come_is_not_waited_for(
    site: Site, private: GuardedHttp
) -> None:
    with pytest.raises(AnswerTimedOutError):
        await private.ask(
            "GET", site.url("/never"), limits=Limits(within=timedelta(seconds=0.1))
        )


async def test_nobody_there_is_told_apart_from_a_forbidden_place(
    private: GuardedHttp,
) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]

        with pytest.raises(NoAnswerError):
            await private.ask("GET", f"http://127.0.0.1:{port}/")


async def test_neither_cookies_nor_a_proxy_of_the_environment_are_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as other:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url("/"))
        async with guarded_http(allow_private=True) as http:
            await http.ask("GET", site.url("/"))

    assert other.asked == []
    assert len(site.asked) == 1
