"""The stored columns together: whatever is swapped between rows does not open."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from credentials.envelope import Context, SealedSecret
from credentials.master_keys.local import LocalMasterKey
from credentials.master_keys.ring import MasterKeyRing
from credentials.vault import Vault
from shared.errors import (
    CredentialsFrozenError,
    CredentialTamperedError,
    CredentialUnreadableError,
)

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("vectors.json").read_text(encoding="utf-8")
)
FIELDS = {"api_key": SecretStr("sk-one")}
ONE = Context(
    org_id=UUID(int=1), provider_id=UUID(int=2), version=1, origin="https://one.example"
)
OTHERS = [
    replace(ONE, org_id=UUID(int=3)),
    replace(ONE, provider_id=UUID(int=3)),
    replace(ONE, version=2),
    replace(ONE, origin="https://evil.example"),
]


class Switch:
    """A gate that is frozen when a number of openings have passed."""

    def __init__(self) -> None:
        self.passes: int | None = None

    async def require_open(self) -> None:
        if self.passes == 0:
            raise CredentialsFrozenError
        if self.passes is not None:
            self.passes -= 1


@pytest.fixture
def gate() -> Switch:
    return Switch()


@pytest.fixture
def vault(gate: Switch) -> Vault:
    return Vault(LocalMasterKey(b"m" * 32), gate)


async def test_fields_come_back_as_they_were(vault: Vault) -> None:
    fields = {"one": SecretStr("first"), "two": SecretStr("sécond")}

    opened = await vault.open(await vault.seal(fields, ONE), ONE)

    assert opened == fields


@pytest.mark.parametrize("other", OTHERS)
async def test_a_whole_secret_moved_to_another_row_does_not_open(
    vault: Vault, other: Context
) -> None:
    sealed = await vault.seal(FIELDS, ONE)

    with pytest.raises(CredentialTamperedError):
        await vault.open(sealed, other)


@pytest.mark.parametrize("column", ["encrypted_key", "encrypted_dek"])
@pytest.mark.parametrize("other", OTHERS)
async def test_a_column_of_another_row_does_not_open(
    vault: Vault, other: Context, column: str
) -> None:
    sealed, foreign = await vault.seal(FIELDS, ONE), await vault.seal(FIELDS, other)
    mixed = replace(sealed, **{column: getattr(foreign, column)})

    for context in (ONE, other):
        with pytest.raises(CredentialUnreadableError):
            await vault.open(mixed, context)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
async def test_a_secret_sealed_by_an_earlier_release_opens(
    vector: dict[str, Any], gate: Switch
) -> None:
    vault = Vault(LocalMasterKey(bytes.fromhex(vector["master_key"])), gate)
    sealed = SealedSecret(
        encrypted_key=bytes.fromhex(vector["encrypted_key"]),
        encrypted_dek=bytes.fromhex(vector["encrypted_dek"]),
        master_key_id=vector["master_key_id"],
    )
    context = Context(
        org_id=UUID(vector["org_id"]),
        provider_id=UUID(vector["provider_id"]),
        version=vector["version"],
        origin=vector["origin"],
    )

    opened = await vault.open(sealed, context)

    assert {name: each.get_secret_value() for name, each in opened.items()} == (
        vector["fields"]
    )


async def test_a_frozen_vault_seals_and_neither_opens_nor_rewraps(
    vault: Vault, gate: Switch
) -> None:
    gate.passes = 0
    sealed = await vault.seal(FIELDS, ONE)

    with pytest.raises(CredentialsFrozenError):
        await vault.open(sealed, ONE)
    with pytest.raises(CredentialsFrozenError):
        await vault.rewrap(sealed, ONE)


async def test_what_was_asked_before_a_freeze_does_not_come_out_after_it(
    vault: Vault, gate: Switch
) -> None:
    sealed = await vault.seal(FIELDS, ONE)
    gate.passes = 1

    with pytest.raises(CredentialsFrozenError):
        await vault.open(sealed, ONE)


async def test_a_rewrapped_secret_is_the_same_in_another_wrapping(
    gate: Switch,
) -> None:
    old, new = LocalMasterKey(b"o" * 32), LocalMasterKey(b"n" * 32)
    sealed = await Vault(old, gate).seal(FIELDS, ONE)

    again = await Vault(MasterKeyRing(new, [old]), gate).rewrap(sealed, ONE)

    assert again.encrypted_key == sealed.encrypted_key
    assert again.encrypted_dek != sealed.encrypted_dek
    assert again.master_key_id == new.key_id
    assert await Vault(new, gate).open(again, ONE) == FIELDS
