"""What a base URL may be: spellings that resolvers, libraries and clouds take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.providers.base_url import normalise, origin_of
from shared.errors import BaseUrlForbiddenError, InvalidError


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"),
        ("https://api.openai.com", "https://api.openai.com"),
        ("https://api.openai.com/", "https://api.openai.com"),
        ("https://api.openai.com:443/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com:08443/v1", "https://api.openai.com:8443/v1"),
        ("https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://[2606:4700:0::1]:8443/v1", "https://[2606:4700::1]:8443/v1"),
        (
            "https://gw.example/openai/deployments/a%20b:x@y",
            "https://gw.example/openai/deployments/a%20b:x@y",
        ),
    ],
)
def test_a_public_url_has_one_spelling(text: str, spelling: str) -> None:
    assert normalise(text, allow_private=False) == spelling


@pytest.mark.parametrize(
    "text",
    [
        "api.openai.com/v1",
        "//api.openai.com/v1",
        "ftp://api.openai.com/v1",
        "https:///v1",
        "https://",
        "https://user@api.openai.com/v1",
        "https://user:word@api.openai.com/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example\\@api.openai.com/v1",
        "https://api.openai.com/v1?key=1",
        "https://api.openai.com/v1#top",
        "https://api.openai.com/v1 ",
        "https://api.openai.com/\nv1",
        "https://api.openai.com:0/v1",
        "https://api.openai.com:65536/v1",
        "https://api.openai.com:/v1",
        "https://api..openai.com/v1",
        "https://api.openai.com./v1",
        "https://-api.openai.com/v1",
        "https://api%2eopenai.com/v1",
        "https://bücher.example/v1",
        "https://①②⑦.⓪.⓪.①/v1",
        "https://[::1",
        "https://[::1%25lo]/v1",
        "https://[1.2.3.4]/v1",
        "https://api.openai.com/v1/../admin",
        "https://api.openai.com/v1/%2e%2e/admin",
        "https://api.openai.com/./v1",
        f"https://{'a' * 64}.example/v1",
        f"https://{'a.' * 127}example/v1",
    ],
)
def test_what_is_no_plain_url_is_refused(text: str) -> None:
    with pytest.raises(InvalidError) as raised:
        normalise(text, allow_private=True)

    assert raised.value.code == "VALIDATION_FAILED"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.20.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[::1]",
        "[fd12::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "localhost",
        "LOCALHOST",
        "api.localhost",
        "vllm",
        "vllm.local",
        "host.docker.internal",
    ],
)
def test_a_private_host_needs_the_setting(host: str) -> None:
    with pytest.raises(BaseUrlForbiddenError):
        normalise(f"https://{host}/v1", allow_private=False)

    assert normalise(f"https://{host}:8443/v1", allow_private=True)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "[::]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "metadata.google.internal",
    ],
)
def test_a_metadata_or_reserved_host_is_always_forbidden(host: str) -> None:
    with pytest.raises(BaseUrlForbiddenError):
        normalise(f"https://{host}/v1", allow_private=True)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "2852039166",
        "0x7f000001",
        "0xa9fea9fe",
        "0x7f.1",
        "0x7f.0.0.0x1",
        "0177.0.0.1",
        "0251.0376.0251.0376",
        "127.1",
        "169.254.43518",
        "0",
        "1.2.3.4.5",
        "256.1.1.1",
        "8.8.8.08",
        "evil.example.0x1",
    ],
)
def test_an_ipv4_address_in_disguise_is_always_forbidden(host: str) -> None:
    with pytest.raises(BaseUrlForbiddenError):
        normalise(f"https://{host}/v1", allow_private=True)


def test_plain_http_is_refused_where_private_hosts_are() -> None:
    with pytest.raises(InvalidError, match="https"):
        normalise("http://api.example.com/v1", allow_private=False)


def test_plain_http_is_taken_where_private_hosts_are() -> None:
    url = normalise("http://127.0.0.1:80/v1", allow_private=True)

    assert url == "http://127.0.0.1/v1"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com"),
        ("https://api.openai.com", "https://api.openai.com"),
        ("http://[::1]:8080/a/b", "http://[::1]:8080"),
    ],
)
def test_the_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@given(
    st.text(alphabet=st.sampled_from("htps:/.@%?#[]0127axv-\\ é"), max_size=40).map(
        "https://".__add__
    )
)
def test_a_spelling_is_its_own_spelling(text: str) -> None:
    try:
        url = normalise(text, allow_private=True)
    except InvalidError:
        return

    assert normalise(url, allow_private=True) == url
