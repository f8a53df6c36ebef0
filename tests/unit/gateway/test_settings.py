import hashlib

import pytest

from gateway.settings import Settings
from shared.identity import Identity
from shared.settings import SettingsError, load

ENVIRONMENT = {
    "IDENTITY_FILE": "/run/gateway.nkey",
    "DATABASE_URL": "postgresql:///a",
    "SWEEP_DATABASE_URL": "postgresql:///b",
    "OWNER_DATABASE_URL": "postgresql:///c",
    "CREDENTIALS_IDENTITY": str(Identity.generate().public),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(f"AG2TRUST_GATEWAY_{name}", value)


def test_what_is_not_set_has_a_default() -> None:
    settings = load(Settings)

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.bootstrap_key_hash is None
    assert str(settings.credentials_identity) == ENVIRONMENT["CREDENTIALS_IDENTITY"]


def test_the_hash_of_the_first_key_is_hexadecimal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed = hashlib.sha256(b"a key")
    monkeypatch.setenv("AG2TRUST_GATEWAY_BOOTSTRAP_KEY_HASH", hashed.hexdigest())

    assert load(Settings).bootstrap_key_hash == hashed.digest()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOOTSTRAP_KEY_HASH", "abc"),
        ("BOOTSTRAP_KEY_HASH", "zz" * 32),
        ("PORT", "70000"),
        ("CREDENTIALS_IDENTITY", "nobody"),
        ("COLOUR", "red"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"AG2TRUST_GATEWAY_{name}", value)

    with pytest.raises(SettingsError, match=f"AG2TRUST_GATEWAY_{name}"):
        load(Settings)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/", "https://a.example"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_the_public_url_is_the_origin_that_browsers_name(
    monkeypatch: pytest.MonkeyPatch, url: str, origin: str
) -> None:
    monkeypatch.setenv("AG2TRUST_GATEWAY_PUBLIC_URL", url)

    assert load(Settings).public_url == origin


def test_a_port_for_tls_takes_a_certificate_and_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AG2TRUST_GATEWAY_TLS_PORT", "8443")

    with pytest.raises(SettingsError, match="belong together"):
        load(Settings)
