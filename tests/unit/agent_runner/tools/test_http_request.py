"""`http_request`: what it sends where, and what a model is told."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from tests.unit.shared.disguised_addresses import LOOPBACK, NEVER, PRIVATE
from tests.unit.shared.foreign_site import Names, Site, in_url, serving

from agent_runner.tools.destinations import Destinations
from agent_runner.tools.http_request import HttpTool
from shared.contracts.tools import HttpRequestTool
from shared.errors import (
    AppError,
    ToolArgumentsInvalidError,
    ToolDestinationForbiddenError,
    ToolSecretRefusedError,
)
from shared.guarded_http import (
    AnswerTimedOutError,
    GuardedHttp,
    NoAnswerError,
    guarded_http,
)

SECRET = "sk-a-secret-that-was-leased-1234"
PROVIDER = "http://127.0.0.9:9/v1"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


def tool(hosts: Iterable[str] | None = None, **configured: Any) -> HttpTool:
    return HttpTool(
        HttpRequestTool(name="http_request", **configured),
        Destinations.read(hosts, [PROVIDER]),
        frozenset({SECRET}),
    )


async def told(http: GuardedHttp, used: HttpTool, **arguments: Any) -> Any:
    return json.loads(await used.request(arguments).send(http))


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE, *NEVER])
async def test_no_spelling_in_a_url_leads_inside(host: str, site: Site) -> None:
    url = f"http://{in_url(host)}:{site.port}/"
    async with guarded_http(allow_private=False) as http:
        with pytest.raises((ToolDestinationForbiddenError, ToolArgumentsInvalidError)):
            await told(http, tool(), url=url)

    assert site.asked == []


@pytest.mark.parametrize("spelling", [*LOOPBACK, *PRIVATE, *NEVER])
async def test_no_name_leads_inside_that_is_allowed(spelling: str, site: Site) -> None:
    names = Names(spelling)
    used = tool([f"public.example:{site.port}"])
    async with guarded_http(allow_private=False, resolver=names) as http:
        with pytest.raises(ToolDestinationForbiddenError) as caught:
            await told(http, used, url=site.url("/", host="public.example"))

    assert names.asked == 1
    assert site.asked == []
    assert explained(caught.value) == "TOOL_DESTINATION_FORBIDDEN"


@pytest.mark.parametrize("host", NEVER)
async def test_no_redirect_leads_inside(
    host: str, site: Site, http: GuardedHttp
) -> None:
    site.redirects["/away"] = (302, f"http://{in_url(host)}/")

    with pytest.raises(ToolDestinationForbiddenError):
        await told(http, tool(), url=site.url("/away"))


async def test_the_corpus_does_lead_somewhere_without_the_guard(
    site: Site, http: GuardedHttp
) -> None:
    """The control: the same tool asks the same site where that is allowed."""
    answer = await told(http, tool(), url=site.url("/"))

    assert (answer["status"], answer["body"]) == (200, "here")
    assert len(site.asked) == 1


async def test_a_redirect_is_judged_as_the_url_was(
    site: Site, http: GuardedHttp
) -> None:
    site.redirects["/away"] = (302, site.url("/", host="127.0.0.2"))
    site.redirects["/provider"] = (302, f"{PROVIDER}/models")
    named = [f"127.0.0.1:{site.port}"]

    for path in ("/away", "/provider"):
        with pytest.raises(ToolDestinationForbiddenError):
            await told(http, tool(named), url=site.url(path))
    followed = await told(
        http, tool([*named, f"127.0.0.2:{site.port}"]), url=site.url("/away")
    )

    assert followed["url"] == site.url("/", host="127.0.0.2")


async def test_headers_do_not_follow_to_another_origin(
    site: Site, http: GuardedHttp
) -> None:
    site.redirects["/away"] = (302, site.url("/", host="127.0.0.2"))
    headers = {"x-api-key": "of-the-site", "Authorization": "Bearer of-the-site"}

    await told(http, tool(), url=site.url("/away"), headers=headers)

    (_, _, first, _), (_, _, second, _) = site.asked
    assert first["X-Api-Key"] == "of-the-site"
    assert "X-Api-Key" not in second
    assert "Authorization" not in second


async def test_a_body_is_sent_with_a_method_that_is_allowed(
    site: Site, http: GuardedHttp
) -> None:
    used = tool(methods=["POST"])

    await told(
        http,
        used,
        url=site.url("/things"),
        method="POST",
        headers={"Content-Type": "application/json"},
        body='{"a": "é"}',
    )

    [(method, path, headers, body)] = site.asked
    assert (method, path) == ("POST", "/things")
    assert headers["Content-Type"] == "application/json"
    assert body == '{"a": "é"}'.encode()


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": f"https://example.com/?key={SECRET}"},
        {"url": "https://example.com/", "headers": {"X-Key": f"Bearer {SECRET}"}},
        {"url": "https://example.com/", "headers": {SECRET: "a"}},
        {"url": "https://example.com/", "method": "POST", "body": f"key={SECRET}"},
    ],
)
def test_a_leased_secret_is_not_sent(arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolSecretRefusedError) as caught:
        tool(methods=["GET", "POST"]).request(arguments)

    assert explained(caught.value) == "TOOL_SECRET_REFUSED"
    assert SECRET not in str(caught.value.details) + caught.value.message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "url"),
        ({"url": "example.com"}, "must look like https://"),
        ({"url": "ftp://example.com/"}, "must look like https://"),
        ({"url": "https://user:word@example.com/"}, "without user name"),
        ({"url": "https://example.com/", "method": "POST"}, "no method but GET"),
        ({"url": "https://example.com/", "method": "TRACE"}, "method"),
        ({"url": "https://example.com/", "headers": {"Host": "a"}}, "Host"),
        ({"url": "https://example.com/", "headers": {"te": "a"}}, "te cannot be set"),
        ({"url": "https://example.com/", "headers": {"a b": "c"}}, "HTTP cannot send"),
        ({"url": "https://example.com/", "headers": {"a": "b\r\nc: d"}}, "cannot send"),
        ({"url": "https://example.com/", "body": "x" * 11}, "longer than 10 bytes"),
        ({"url": "https://example.com/", "proxy": "a"}, "proxy"),
    ],
)
def test_a_model_is_told_what_is_wrong_with_its_call(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ToolArgumentsInvalidError) as caught:
        tool(max_request_bytes=10).request(arguments)

    assert said in caught.value.message
    assert explained(caught.value) == "TOOL_ARGUMENTS_INVALID"


async def test_a_long_answer_is_cut_and_says_so(site: Site, http: GuardedHttp) -> None:
    site.bodies["/"] = b"0123456789"

    answer = await told(http, tool(max_response_bytes=4), url=site.url("/"))

    assert answer["body"] == "0123"
    assert "beginning" in answer["note"]


@pytest.mark.parametrize(
    ("content_type", "body", "read"),
    [
        ("text/html; charset=iso-8859-1", b"\xe9", "é"),
        ("text/plain; charset=utf-8", "é".encode(), "é"),
        ("text/plain; charset=unicode_escape", rb"\ud800", r"\ud800"),
        ("text/plain", b"\xff\0", "\ufffd\0"),
        ("application/problem+json", b"{}", "{}"),
        ("image/png", b"\x89PNG", ""),
        ("application/octet-stream", b"\0", ""),
    ],
)
async def test_text_is_decoded_and_what_is_none_left_out(
    content_type: str, body: bytes, read: str, site: Site, http: GuardedHttp
) -> None:
    site.bodies["/"], site.types["/"] = body, content_type

    answer = await told(http, tool(), url=site.url("/"))

    assert answer["body"] == read
    assert ("note" in answer) is (read == "")


async def test_a_site_that_does_not_answer_is_waited_for_no_longer(
    site: Site, http: GuardedHttp
) -> None:
    with pytest.raises(AnswerTimedOutError):
        await told(http, tool(timeout_seconds=0.05), url=site.url("/never"))
    with pytest.raises(NoAnswerError):
        await told(http, tool(), url="http://127.0.0.1:1111/")


def explained(error: AppError) -> Any:
    explanation: Any = error.details["explanation"]
    assert explanation["cause"]
    assert explanation["fix"]
    return explanation["code"]
