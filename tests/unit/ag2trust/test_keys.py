"""Keys are made once, kept, and missed when they are gone."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ag2trust.errors import HomeUnusableError
from ag2trust.home import Home, open_home
from ag2trust.keys import first_key, keys_of
from ag2trust.postgres import SUPERUSER
from ag2trust.provisioning import ROLES
from shared.contracts.base import Service

GIVEN = SecretStr("cust_" + "g" * 32)
OTHER = SecretStr("cust_" + "h" * 32)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home") as opened:
        yield opened


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_second_reading_finds_the_same_keys(home: Home) -> None:
    made = keys_of(home, is_new=True)

    found = keys_of(home, is_new=False)

    assert found.passwords == made.passwords
    assert found.logins == made.logins
    assert found.credentials_identity == made.credentials_identity


def test_every_role_and_service_has_a_key_of_its_own(home: Home) -> None:
    keys = keys_of(home, is_new=True)

    assert keys.passwords.keys() == {SUPERUSER, *ROLES}
    assert len(set(keys.passwords.values())) == len(ROLES) + 1
    assert sorted(keys.logins.values()) == sorted(Service)


def test_nobody_else_reads_a_key(home: Home) -> None:
    keys_of(home, is_new=True)
    first_key(home, None)

    files = [home.api_key, *home.keys.iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_half_made_set_of_keys_is_completed(home: Home) -> None:
    made = keys_of(home, is_new=True)
    made.master_key_file.unlink()

    found = keys_of(home, is_new=True)

    assert found.master_key_file.exists()
    assert found.passwords == made.passwords


@pytest.mark.parametrize("name", ["master.key", "passwords.json", "credentials.nkey"])
def test_a_key_that_is_lost_beside_data_is_not_replaced(home: Home, name: str) -> None:
    keys_of(home, is_new=True)
    (home.keys / name).unlink()

    with pytest.raises(HomeUnusableError, match=f"{name}.*Put back your copy"):
        keys_of(home, is_new=False)

    assert not (home.keys / name).exists()


def test_without_a_given_key_one_is_made_into_a_file(home: Home) -> None:
    first = first_key(home, None)

    key = home.api_key.read_text().strip()
    assert key.startswith("cust_")
    assert len(key) == 45
    assert first.sha256 == _sha256(key)


def test_a_given_key_is_kept_as_its_hash_alone(home: Home) -> None:
    first = first_key(home, GIVEN)

    kept = "".join(file.read_text() for file in home.keys.iterdir())
    assert first.sha256 == _sha256(GIVEN.get_secret_value())
    assert GIVEN.get_secret_value() not in kept
    assert not home.api_key.exists()


def test_a_key_that_is_given_later_counts_for_nothing(home: Home) -> None:
    first = first_key(home, GIVEN)

    later = first_key(home, OTHER)

    assert later.sha256 == first.sha256
    assert later.was_given_too_late


def test_the_same_key_may_be_given_again(home: Home) -> None:
    first = first_key(home, GIVEN)

    assert first_key(home, GIVEN) == first
