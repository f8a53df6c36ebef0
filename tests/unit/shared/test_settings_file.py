import json
from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from shared.settings import DatabaseSettings, SettingsError, load

URLS = {
    "database_url": "postgresql://a:pass-a@/x",
    "sweep_database_url": "postgresql://b:pass-b@/x",
    "owner_database_url": "postgresql://c:pass-c@/x",
}


class Settings(DatabaseSettings):
    model_config = SettingsConfigDict(env_prefix="AG2TRUST_TELEGRAPH_")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a file of mode 0600 that holds the three URLs."""
    file = tmp_path / "settings.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(URLS))
    monkeypatch.setenv("AG2TRUST_TELEGRAPH_SETTINGS_FILE", str(file))
    monkeypatch.setenv("AG2TRUST_TELEGRAPH_IDENTITY_FILE", "/run/telegraph.nkey")
    return file


@pytest.mark.usefixtures("file")
def test_a_file_and_the_environment_make_the_settings_together() -> None:
    settings = load(Settings)

    assert settings.database_url.get_secret_value() == URLS["database_url"]
    assert settings.identity_file == Path("/run/telegraph.nkey")


@pytest.mark.usefixtures("file")
def test_a_setting_in_both_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AG2TRUST_TELEGRAPH_DATABASE_URL", "postgresql:///other")

    with pytest.raises(SettingsError, match="DATABASE_URL is set in the environment"):
        load(Settings)


def test_a_name_in_the_file_that_is_no_setting_is_refused(file: Path) -> None:
    file.write_text(json.dumps(URLS | {"colour": "red"}))

    with pytest.raises(SettingsError, match="TELEGRAPH_COLOUR is not a setting"):
        load(Settings)


def test_a_file_that_others_may_read_is_refused(file: Path) -> None:
    file.chmod(0o640)

    with pytest.raises(SettingsError, match="make it mode 0600"):
        load(Settings)


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    file.unlink()

    with pytest.raises(SettingsError, match=r"SETTINGS_FILE: .*No such file"):
        load(Settings)


@pytest.mark.parametrize(
    "content", ["pass-a", '["pass-a"]', '{"pass-a"', b"\xffpass-a"]
)
def test_a_file_that_is_no_object_is_refused_and_not_quoted(
    file: Path, content: str | bytes
) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SettingsError, match="SETTINGS_FILE") as refusal:
        load(Settings)

    assert "pass-a" not in str(refusal.value)


def test_a_wrong_value_in_the_file_is_named_and_not_quoted(file: Path) -> None:
    file.write_text(json.dumps(URLS | {"log_level": "pass-a"}))

    with pytest.raises(SettingsError, match="TELEGRAPH_LOG_LEVEL: ") as refusal:
        load(Settings)

    assert "pass-a" not in str(refusal.value)
