"""Settings: read from the environment alone, refused in words without a value."""

import itertools
import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal, Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import agent_runner.broker.settings
import agent_runner.settings
import credentials.settings
import gateway.settings
import metrics.settings
from shared.identity import Identity
from shared.settings import (
    DatabaseSettings,
    ProcessSettings,
    PublicIdentitySetting,
    ServiceSettings,
    SettingsError,
    load,
)

CANARY = "sk-canary-83a1f6"
PUBLIC = Identity(bytes(32)).public
NEVER_WRONG = {"nats_url", "identity_file", "settings_file", "alive_file"}

OF_OURS: list[type[ProcessSettings]] = [
    agent_runner.broker.settings.Settings,
    credentials.settings.Settings,
    gateway.settings.Settings,
    agent_runner.settings.Settings,
    metrics.settings.Settings,
]


class Sample(ServiceSettings):
    """One setting of every kind that a service has or may soon have."""

    model_config = SettingsConfigDict(env_prefix="AG2TRUST_SAMPLE_")

    trusted: PublicIdentitySetting
    key: SecretStr = Field(default=SecretStr(""), max_length=5)
    port: int = Field(default=8080, ge=1, le=65535)
    ratio: float = 1.0
    mode: Literal["fast", "safe"] = "safe"
    is_open: bool = False
    name: str = Field(default="x", pattern=r"^x+$")
    network: IPv4Network = IPv4Network("10.0.0.0/8")
    networks: list[IPv4Network] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mode == "fast" and not self.is_open:
            raise ValueError("fast needs is_open")
        return self


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("AG2TRUST"):
            monkeypatch.delenv(name)


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set what `Sample` cannot do without."""
    monkeypatch.setenv("AG2TRUST_SAMPLE_IDENTITY_FILE", "/run/identity")
    monkeypatch.setenv("AG2TRUST_SAMPLE_TRUSTED", str(PUBLIC))
    return monkeypatch


def _prefix(settings: type[BaseSettings]) -> str:
    return str(settings.model_config["env_prefix"])


def _complaint(settings: type[BaseSettings]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(settings)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_settings_are_read_from_variables_with_the_prefix(
    enough: pytest.MonkeyPatch,
) -> None:
    enough.setenv("AG2TRUST_SAMPLE_PORT", "9090")
    enough.setenv("PORT", "1")
    enough.setenv("AG2TRUST_OTHER_PORT", "2")

    loaded = load(Sample)

    assert loaded.port == 9090
    assert loaded.identity_file == Path("/run/identity")
    assert loaded.trusted == PUBLIC


@pytest.mark.usefixtures("enough")
def test_settings_do_not_change() -> None:
    loaded = load(Sample)

    with pytest.raises(ValidationError):
        setattr(loaded, "port", 1)  # noqa: B010 - the type checker forbids the other way


def test_an_unknown_variable_with_the_prefix_is_refused_by_name(
    enough: pytest.MonkeyPatch,
) -> None:
    enough.setenv("AG2TRUST_SAMPLE_PROT", CANARY)
    enough.setenv("ag2trust_sample_hots", CANARY)

    complaint = _complaint(Sample)

    assert "AG2TRUST_SAMPLE_PROT is not a setting" in complaint
    assert "AG2TRUST_SAMPLE_HOTS is not a setting" in complaint
    assert CANARY not in complaint


def test_every_missing_setting_is_named_at_once() -> None:
    complaint = _complaint(Sample)

    assert "AG2TRUST_SAMPLE_IDENTITY_FILE: is required" in complaint
    assert "AG2TRUST_SAMPLE_TRUSTED: is required" in complaint


def test_an_empty_variable_counts_as_not_set(enough: pytest.MonkeyPatch) -> None:
    enough.setenv("AG2TRUST_SAMPLE_PORT", "")
    enough.setenv("AG2TRUST_SAMPLE_SETTINGS_FILE", "")
    enough.setenv("AG2TRUST_SAMPLE_UNKNOWN", "")
    enough.setenv("AG2TRUST_SAMPLE_IDENTITY_FILE", "")

    assert _complaint(Sample) == "AG2TRUST_SAMPLE_IDENTITY_FILE: is required"


@pytest.mark.parametrize(
    "name",
    [*sorted(set(Sample.model_fields) - NEVER_WRONG)],
)
def test_a_wrong_value_is_told_by_the_name_of_its_setting_alone(
    enough: pytest.MonkeyPatch, name: str
) -> None:
    enough.setenv(f"AG2TRUST_SAMPLE_{name.upper()}", CANARY)

    complaint = _complaint(Sample)

    assert name in complaint.lower()
    assert complaint.startswith("AG2TRUST_SAMPLE_")
    assert CANARY not in complaint


def test_what_concerns_two_settings_is_told_in_its_own_words(
    enough: pytest.MonkeyPatch,
) -> None:
    enough.setenv("AG2TRUST_SAMPLE_MODE", "fast")

    assert _complaint(Sample).endswith("fast needs is_open")


@pytest.mark.parametrize("settings", OF_OURS, ids=_prefix)
def test_no_setting_of_a_service_tells_its_value(
    settings: type[ProcessSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in settings.model_fields.keys() - {"settings_file"}:
        monkeypatch.setenv(f"{_prefix(settings)}{name.upper()}", CANARY)

    complaint = _complaint(settings)

    assert CANARY not in complaint


def test_secret_settings_are_masked() -> None:
    given = SecretStr(CANARY)

    made = DatabaseSettings(
        identity_file=Path("x"),
        database_url=given,
        sweep_database_url=given,
        owner_database_url=given,
    )

    assert CANARY not in f"{made!r} {made!s} {made.model_dump_json()}"


def test_no_variable_of_one_service_begins_like_anothers() -> None:
    prefixes = [_prefix(each) for each in OF_OURS]

    for one, other in itertools.permutations(prefixes, 2):
        assert not one.startswith(other)


def test_the_variables_of_others_do_not_disturb(enough: pytest.MonkeyPatch) -> None:
    for settings in OF_OURS:
        for name in settings.model_fields:
            enough.setenv(f"{_prefix(settings)}{name.upper()}", CANARY)

    loaded = load(Sample)

    assert loaded.nats_url == "nats://127.0.0.1:4222"
