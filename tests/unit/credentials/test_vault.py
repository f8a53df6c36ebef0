"""The stored columns together: whatever is swapped between rows does not open."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from credentials.envelope import Context, SealedSecret
from credentials.master_key_local import LocalMasterKey
from credentials.vault import Vault
from shared.errors import CredentialTamperedError, CredentialUnreadableError

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


@pytest.fixture
def vault() -> Vault:
    return Vault(LocalMasterKey(b"m" * 32))


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
    vector: dict[str, Any],
) -> None:
    vault = Vault(LocalMasterKey(bytes.fromhex(vector["master_key"])))
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
