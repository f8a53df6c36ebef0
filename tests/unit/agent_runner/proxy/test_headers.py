import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from agent_runner.proxy.headers import (
    bearer_of,
    request_fields,
    response_fields,
    value_of,
)


def fields(*headers: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]


def texts(fields: list[tuple[bytes, bytes]]) -> "CIMultiDict[str]":
    return CIMultiDict((name.decode(), value.decode()) for name, value in fields)


def sent(*headers: tuple[str, str]) -> "CIMultiDict[str]":
    return texts(request_fields(fields(*headers)))


def came_back(*headers: tuple[str, str]) -> "CIMultiDict[str]":
    return texts(response_fields(fields(*headers)))


@pytest.mark.parametrize(
    "name",
    [
        "Accept",
        "Content-Type",
        "User-Agent",
        "X-Stainless-Lang",
        "x-stainless-retry-count",
        "OpenAI-Organization",
        "openai-project",
        "OpenAI-Beta",
        "Idempotency-Key",
        "X-Client-Request-Id",
        "traceparent",
    ],
)
def test_what_belongs_to_the_request_passes(name: str) -> None:
    assert sent((name, "value"))[name] == "value"


HOP_BY_HOP = [
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
]


@pytest.mark.parametrize(
    "name",
    [
        *HOP_BY_HOP,
        "Host",
        "Content-Length",
        "Content-Encoding",
        "Expect",
        "Cookie",
        "Authorization",
        "X-API-Key",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "x-amz-content-sha256",
        "api-key",
        "X-Ag2trust-Labels",
        "baggage",
    ],
)
def test_what_belongs_to_the_connection_or_to_us_stays_here(name: str) -> None:
    assert name not in sent((name, "value"))


def test_answers_are_asked_for_uncompressed() -> None:
    headers = sent(("Accept-Encoding", "gzip, br"))

    assert headers.getall("Accept-Encoding") == ["identity"]


def test_a_header_that_connection_names_goes_no_further() -> None:
    headers = sent(
        ("Connection", "close, X-Hop"),
        ("connection", "x-2"),
        ("X-Hop", "1"),
        ("X-2", "2"),
        ("X-3", "3"),
    )

    assert "X-Hop" not in headers
    assert "X-2" not in headers
    assert headers["X-3"] == "3"


def test_connection_cannot_name_our_own_headers_away() -> None:
    headers = sent(("Connection", "accept-encoding"))

    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "name",
    [
        *HOP_BY_HOP,
        "Content-Length",
        "Content-Encoding",
        "Set-Cookie",
        "Authorization",
        "Alt-Svc",
        "x-ag2trust-error",
    ],
)
def test_what_belongs_to_the_providers_connection_does_not_come_back(name: str) -> None:
    assert name not in came_back((name, "value"))


def test_the_providers_headers_come_back_repeated_ones_too() -> None:
    headers = came_back(
        ("x-ratelimit-remaining-tokens", "1999000"),
        ("retry-after-ms", "1500"),
        ("Link", "a"),
        ("link", "b"),
    )

    assert headers["x-ratelimit-remaining-tokens"] == "1999000"
    assert headers["retry-after-ms"] == "1500"
    assert headers.getall("Link") == ["a", "b"]


@given(names=st.lists(st.sampled_from(["x-a", "x-b", "x-c"])))
def test_headers_keep_their_order(names: list[str]) -> None:
    headers = [(name, str(index)) for index, name in enumerate(names)]

    assert list(came_back(*headers).items()) == headers


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer sk-1", "sk-1"),
        (b"bearer sk-1", "sk-1"),
        (b"BEARER sk-1", "sk-1"),
        (b"Basic sk-1", ""),
        (b"bearer", ""),
        (b"Bearer ", ""),
        (b"sk-1", ""),
        (b"", ""),
        (b"Bearer \xff\xe9", ""),
        ("Bearer ключ".encode(), ""),
    ],
)
def test_a_bearer_token_is_read(value: bytes, token: str) -> None:
    assert bearer_of([(b"authorization", value)]) == token


def test_of_a_repeated_field_the_first_value_counts() -> None:
    assert value_of([(b"x-a", b"1"), (b"x-a", b"2")], b"x-a") == "1"
    assert value_of([], b"x-a") == ""
