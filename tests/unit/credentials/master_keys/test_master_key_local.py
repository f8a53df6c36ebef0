from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from credentials.envelope import Context
from credentials.master_keys.local import LocalMasterKey
from credentials.master_keys.master_key import WrappedKey
from shared.errors import (
    CredentialTamperedError,
    CredentialWrongKeyError,
    MasterKeyUnavailableError,
)

CONTEXT = Context(
    org_id=UUID(int=1),
    provider_id=UUID(int=2),
    version=1,
    origin="https://api.openai.com",
)


@pytest.fixture
def master_key() -> LocalMasterKey:
    return LocalMasterKey(b"m" * 32)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    path.touch(mode=0o600)
    path.write_text("6d" * 32 + "\n")
    return path


async def test_a_data_key_is_unwrapped_as_it_was(master_key: LocalMasterKey) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    unwrapped = await master_key.unwrap(made.stored, CONTEXT)

    assert unwrapped == made.plaintext
    assert len(unwrapped) == 32


async def test_every_data_key_is_another(master_key: LocalMasterKey) -> None:
    keys = {(await master_key.generate_data_key(CONTEXT)).plaintext for _ in range(9)}

    assert len(keys) == 9


async def test_every_flipped_bit_of_a_wrapped_key_is_noticed(
    master_key: LocalMasterKey,
) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    for index in range(len(made.stored.wrapped) * 8):
        flipped = bytearray(made.stored.wrapped)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(CredentialTamperedError):
            await master_key.unwrap(
                WrappedKey(bytes(flipped), made.stored.key_id), CONTEXT
            )


async def test_a_data_key_is_not_unwrapped_for_another_row(
    master_key: LocalMasterKey,
) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    with pytest.raises(CredentialTamperedError):
        await master_key.unwrap(made.stored, replace(CONTEXT, version=2))


async def test_another_master_key_is_named(master_key: LocalMasterKey) -> None:
    made = await master_key.generate_data_key(CONTEXT)
    other = LocalMasterKey(b"o" * 32)

    with pytest.raises(CredentialWrongKeyError) as raised:
        await other.unwrap(made.stored, CONTEXT)

    assert master_key.key_id in raised.value.message
    assert other.key_id in raised.value.message


async def test_a_rewrapped_data_key_is_the_same_in_another_wrapping(
    master_key: LocalMasterKey,
) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    again = await master_key.rewrap(made.stored, CONTEXT)

    assert again.key_id == await master_key.current_key_id()
    assert again.wrapped != made.stored.wrapped
    assert await master_key.unwrap(again, CONTEXT) == made.plaintext


async def test_keys_are_not_printed(master_key: LocalMasterKey) -> None:
    made = await master_key.generate_data_key(CONTEXT)

    assert repr(made.plaintext) not in repr(made)
    assert repr(master_key) == f"LocalMasterKey({master_key.key_id})"
    assert master_key.key_id.startswith("local:")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620, 0o601, 0o777])
def test_a_key_file_open_to_others_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    with pytest.raises(MasterKeyUnavailableError, match="make it mode 0600"):
        LocalMasterKey.from_file(key_file)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_its_owner_alone_is_taken(
    key_file: Path, mode: int, master_key: LocalMasterKey
) -> None:
    key_file.chmod(mode)

    assert LocalMasterKey.from_file(key_file).key_id == master_key.key_id


@pytest.mark.parametrize(
    "text", ["", "6d" * 31, "6d" * 33, "zz" * 32, "6d " * 32, "é" * 64]
)
def test_a_key_file_without_a_key_is_refused_without_repeating_it(
    key_file: Path, text: str
) -> None:
    key_file.write_text(text, encoding="utf-8")

    with pytest.raises(MasterKeyUnavailableError) as raised:
        LocalMasterKey.from_file(key_file)

    assert not text or text not in raised.value.message


def test_there_is_no_default_key(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyUnavailableError, match="cannot be read"):
        LocalMasterKey.from_file(tmp_path / "missing.key")
