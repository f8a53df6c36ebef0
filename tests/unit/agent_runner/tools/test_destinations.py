"""Which URLs a tool may ask, as far as the URL tells."""

import pytest
from tests.unit.shared.disguised_addresses import LOOPBACK, NEVER, PRIVATE
from tests.unit.shared.foreign_site import in_url

from agent_runner.tools.destinations import Destinations, problem_of_host
from shared.web_addresses import web_address

PROVIDER = "https://models.corp.example:8443/v1"


def is_allowed(url: str, *hosts: str, base_url: str = PROVIDER) -> bool:
    destinations = Destinations.read(hosts or None, [base_url])
    return destinations.problem(web_address(url)) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("api.example.com", "https://api.example.com/things?of=mine"),
        ("api.example.com", "http://api.example.com"),
        ("api.example.com", "https://API.example.com:80/"),
        ("api.example.com:8443", "https://api.example.com:8443/"),
        ("*.example.com", "https://a.b.example.com/"),
        ("*.example.com:8080", "http://a.example.com:8080/"),
        ("[2606:4700::1111]", "http://[2606:4700:0::1111]/"),
        ("9.9.9.9", "http://9.9.9.9/"),
    ],
)
def test_a_host_that_is_named_may_be_asked(host: str, url: str) -> None:
    assert is_allowed(url, "other.example.com", host)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("api.example.com", "https://example.com/"),
        ("api.example.com", "https://evil-api.example.com/"),
        ("api.example.com", "https://api.example.com.evil.example/"),
        ("api.example.com", "https://api.example.com:8443/"),
        ("api.example.com:8443", "https://api.example.com/"),
        ("*.example.com", "https://example.com/"),
        ("*.example.com", "https://evilexample.com/"),
        ("*.example.com", "https://a.example.com:9000/"),
    ],
)
def test_any_other_may_not(host: str, url: str) -> None:
    assert not is_allowed(url, host)


@pytest.mark.parametrize(
    "url",
    [
        "https://models.corp.example:8443/v1/chat/completions",
        "https://api.openai.com/v1/models",
        "http://eu.api.openai.com/",
        "https://api.anthropic.com:444/v1/messages",
        "https://bedrock-runtime.eu-central-1.amazonaws.com/",
        "https://bedrock.us-east-1.amazonaws.com/",
        "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/",
        "https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com/",
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/",
        "https://bedrock-agent-runtime.us-east-1.api.aws/",
    ],
)
def test_a_providers_host_is_asked_through_the_proxy_alone(url: str) -> None:
    host = web_address(url).host

    assert not is_allowed(url)
    assert not is_allowed(url, host, f"*.{host.partition('.')[2]}", f"{host}:444")


def test_the_two_usual_ports_of_a_provider_are_one() -> None:
    base_url = "https://models.corp.example/v1"

    assert not is_allowed("http://models.corp.example/v1", base_url=base_url)
    assert is_allowed("http://models.corp.example:8080/", base_url=base_url)


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE, *NEVER])
def test_no_spelling_of_an_inner_address_can_be_configured(host: str) -> None:
    assert problem_of_host(in_url(host), [], allow_private=False)


@pytest.mark.parametrize("host", NEVER)
def test_some_cannot_be_configured_by_any_setting(host: str) -> None:
    assert problem_of_host(in_url(host), [], allow_private=True)


@pytest.mark.parametrize("host", ["10.0.0.1", "wiki.internal", "*.corp.internal"])
def test_private_hosts_can_be_where_that_is_allowed(host: str) -> None:
    assert problem_of_host(host, [], allow_private=False)
    assert problem_of_host(host, [], allow_private=True) is None


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("api.openai.com", "is a model provider's"),
        ("models.corp.example:8443", "is a model provider's"),
        ("*.10.0.0.1", "below which there is nothing"),
        ("a..example.com", "no valid host name"),
        ("example.com:70000", "no valid port"),
    ],
)
def test_what_can_never_be_asked_is_told_when_it_is_configured(
    host: str, problem: str
) -> None:
    assert problem in (problem_of_host(host, [PROVIDER], allow_private=True) or "")


def test_a_common_host_can_be_configured() -> None:
    for host in ("api.example.com", "*.example.com", "example.com:8443", "9.9.9.9"):
        assert problem_of_host(host, [PROVIDER], allow_private=False) is None
