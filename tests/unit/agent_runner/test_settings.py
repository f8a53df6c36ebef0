from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent_runner.settings import Settings
from shared.identity import Identity

TLS = {"external_tls_certificate": "/c.pem", "external_tls_key": "/k.pem"}


def settings(**more: Any) -> Settings:
    return Settings(
        nats_url="nats://127.0.0.1:1",
        identity_file=Path("/identity"),
        database_url="postgresql://a",
        sweep_database_url="postgresql://b",
        owner_database_url="postgresql://c",
        credentials_identity=Identity.generate().public,
        state_folder=Path("/state"),
        runtime="process",
        **more,
    )


def problem(**more: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        settings(**more)
    return str(refused.value)


def test_without_a_port_nobody_listens_for_external_agents() -> None:
    assert settings().external_address is None


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ({}, "http://127.0.0.1:8443"),
        ({"external_host": "::1"}, "http://[::1]:8443"),
        (TLS, "https://127.0.0.1:8443"),
        ({"external_url": "http://localhost:9"}, "http://localhost:9"),
    ],
)
def test_on_loopback_they_are_told_where_it_listens(
    more: dict[str, Any], address: str
) -> None:
    assert settings(external_port=8443, **more).external_address == address


@pytest.mark.parametrize("host", ["10.1.2.3", "::", "192.168.0.1"])
def test_beyond_loopback_tokens_do_not_travel_in_the_clear(host: str) -> None:
    url = {"external_port": 8443, "external_host": host, "external_url": "https://x"}

    assert "beyond loopback needs external_tls_certificate" in problem(**url)
    assert settings(**url, **TLS).external_address == "https://x"
    assert settings(**url, external_tls_is_terminated=True).external_address == (
        "https://x"
    )


@pytest.mark.parametrize("url", [None, "http://agents.example"])
def test_beyond_loopback_they_are_told_an_address_with_https(url: str | None) -> None:
    told = problem(
        external_port=8443, external_host="10.1.2.3", external_url=url, **TLS
    )

    assert "needs an external_url with https" in told


@pytest.mark.parametrize("half", TLS)
def test_a_certificate_and_its_key_belong_together(half: str) -> None:
    assert "belong together" in problem(**{half: TLS[half]})


@pytest.mark.parametrize(
    "url", ["agents.example", "ftp://x", "https://x?y", "https://"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert "external_url" in problem(external_port=8443, external_url=url)
