"""Which master key the settings name: exactly one that wraps."""

from pathlib import Path

import pytest

from credentials.master_keys.aws import KmsKey
from credentials.settings import Settings
from shared.identity import Identity
from shared.settings import SettingsError, load

PREFIX = "AG2TRUST_CREDENTIALS_"
LOCAL = {"MASTER_KEY_FILE": "/keys/master.key"}
AWS = {
    "MASTER_KEY": "aws",
    "MASTER_KEY_ALIAS": "alias/ag2trust",
    "MASTER_KEY_REGION": "eu-west-1",
}
FIRST_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give everything that is no master key."""
    for name in (
        "AUDIT_FOLDER",
        "IDENTITY_FILE",
        "RUNNERS_FILE",
        "DATABASE_URL",
        "SWEEP_DATABASE_URL",
        "OWNER_DATABASE_URL",
    ):
        monkeypatch.setenv(PREFIX + name, "given")
    metrics = str(Identity(bytes(32)).public)
    monkeypatch.setenv(f"{PREFIX}METRICS_IDENTITY", metrics)
    return monkeypatch


def _loaded(environment: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    for name, value in given.items():
        environment.setenv(PREFIX + name, value)
    return load(Settings)


def test_a_file_is_a_local_master_key(environment: pytest.MonkeyPatch) -> None:
    settings = _loaded(environment, LOCAL)

    assert settings.chosen_master_key == Path("/keys/master.key")


def test_an_alias_and_a_region_are_a_master_key_in_aws(
    environment: pytest.MonkeyPatch,
) -> None:
    settings = _loaded(environment, AWS)

    assert settings.chosen_master_key == KmsKey("alias/ag2trust", "eu-west-1")


def test_retired_keys_of_both_kinds_are_read_as_lists(
    environment: pytest.MonkeyPatch,
) -> None:
    settings = _loaded(
        environment,
        AWS
        | {
            "RETIRED_MASTER_KEY_FILES": '["/keys/old.key"]',
            "RETIRED_MASTER_KEY_ARNS": f'["{FIRST_ARN}"]',
            "MASTER_KEY_ENDPOINT_URL": "http://127.0.0.1:4566",
        },
    )

    assert settings.retired_master_key_files == (Path("/keys/old.key"),)
    assert settings.chosen_master_key == KmsKey(
        "alias/ag2trust",
        "eu-west-1",
        endpoint_url="http://127.0.0.1:4566",
        retired_arns=frozenset({FIRST_ARN}),
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "needs AG2TRUST_CREDENTIALS_MASTER_KEY_FILE"),
        ({"MASTER_KEY": "aws"}, "needs AG2TRUST_CREDENTIALS_MASTER_KEY_ALIAS and"),
        (AWS | LOCAL, "name it as a retired one"),
        (LOCAL | {"MASTER_KEY_ALIAS": "alias/a"}, "is of a master key in AWS"),
        (LOCAL | {"MASTER_KEY_REGION": "eu-west-1"}, "is of a master key in AWS"),
        (LOCAL | {"MASTER_KEY_ARNS": f'["{FIRST_ARN}"]'}, "of a master key in AWS"),
        (LOCAL | {"RETIRED_MASTER_KEY_ARNS": f'["{FIRST_ARN}"]'}, "retired key of AWS"),
        (AWS | {"MASTER_KEY_ALIAS": "ag2trust"}, "MASTER_KEY_ALIAS: "),
        (LOCAL | {"MASTER_KEY": "vault"}, "'local' or 'aws'"),
    ],
)
def test_two_master_keys_or_none_are_refused_in_one_sentence(
    environment: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        _loaded(environment, given)

    assert sentence in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("url", ["http://:4566", "http://kms:port", "kms:4566"])
@pytest.mark.parametrize("setting", ["MASTER_KEY_ENDPOINT_URL", "STS_ENDPOINT_URL"])
def test_what_is_no_url_is_no_endpoint(
    environment: pytest.MonkeyPatch, setting: str, url: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        _loaded(environment, {**AWS, setting: url})

    assert str(refused.value) == (
        f"{PREFIX}{setting}: must look like https://host/path, "
        "without user name or fragment"
    )
