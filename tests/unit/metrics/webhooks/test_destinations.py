"""Where a webhook may lead."""

import pytest

from metrics.webhooks.destinations import Destinations
from shared.errors import WebhookUrlForbiddenError

NAMED = "siem.internal"


@pytest.fixture
def destinations() -> Destinations:
    return Destinations({NAMED, "10.1.2.3"})


@pytest.mark.parametrize(
    "origin",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443",
        "https://siem.internal",
        "http://siem.internal:8080",
        "http://10.1.2.3",
    ],
)
def test_the_internet_is_open_over_https_and_so_is_what_is_named(
    destinations: Destinations, origin: str
) -> None:
    destinations.require_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://hooks.example.com",
        "https://localhost",
        "https://127.0.0.1",
        "https://10.1.2.4",
        "https://[::1]",
        "https://other.internal",
        "https://169.254.169.254",
        "https://0x7f.1",
        "https://hooks.example.com:25",
        "http://siem.internal:22",
        "ftp://hooks.example.com",
        "https://user@hooks.example.com",
        "hooks.example.com",
    ],
)
def test_anything_else_is_refused(destinations: Destinations, origin: str) -> None:
    with pytest.raises(WebhookUrlForbiddenError):
        destinations.require_allowed(origin)


def test_what_is_forbidden_cannot_be_named() -> None:
    named = Destinations({"169.254.169.254"})

    with pytest.raises(WebhookUrlForbiddenError):
        named.require_allowed("http://169.254.169.254")


def test_only_what_is_named_may_be_private() -> None:
    destinations = Destinations({NAMED})

    assert destinations.may_be_private("http://SIEM.internal/hook?x=1")
    assert not destinations.may_be_private("https://hooks.example.com/siem.internal")
