"""The cipher against Project Wycheproof, which knows how ciphers go wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from credentials import aes_gcm

VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__)
    .with_name("vectors")
    .joinpath("wycheproof_aes_256_gcm.json")
    .read_text(encoding="utf-8")
)["tests"]
VALID = [each for each in VECTORS if each["result"] == "valid"]
INVALID = [each for each in VECTORS if each["result"] == "invalid"]


def _decrypted(vector: dict[str, Any]) -> bytes:
    return aes_gcm.decrypt(
        bytes.fromhex(vector["key"]),
        bytes.fromhex(vector["iv"] + vector["ct"] + vector["tag"]),
        associated_data=bytes.fromhex(vector["aad"]),
    )


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["tcId"])
def test_what_is_valid_decrypts(vector: dict[str, Any]) -> None:
    assert _decrypted(vector) == bytes.fromhex(vector["msg"])


@pytest.mark.parametrize("vector", INVALID, ids=lambda vector: vector["tcId"])
def test_what_is_invalid_does_not_decrypt(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidTag):
        _decrypted(vector)


def test_there_are_vectors_of_both_kinds() -> None:
    assert (len(VALID), len(INVALID)) == (39, 27)


@pytest.mark.parametrize("length", [0, 1, 12, 27])
def test_what_is_too_short_does_not_decrypt(length: int) -> None:
    with pytest.raises(InvalidTag):
        aes_gcm.decrypt(bytes(32), bytes(length), associated_data=b"")
