from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.envelope import Context, seal, unseal
from shared.errors import (
    CredentialTamperedError,
    CredentialUnreadableError,
    CredentialWrongKeyError,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CONTEXT = Context(
    org_id=UUID("01900000-0000-7000-8000-000000000001"),
    provider_id=UUID("01900000-0000-7000-8000-000000000002"),
    version=1,
    origin="https://api.openai.com",
)
OTHER_CONTEXTS = [
    replace(CONTEXT, org_id=UUID(int=1)),
    replace(CONTEXT, provider_id=UUID(int=1)),
    replace(CONTEXT, version=2),
    replace(CONTEXT, origin="https://api.openai.com:8443"),
    replace(CONTEXT, origin="http://api.openai.com"),
    replace(CONTEXT, origin=""),
]

contexts = st.builds(
    Context,
    org_id=st.uuids(),
    provider_id=st.uuids(),
    version=st.integers(min_value=1),
    origin=st.text(),
)
data_keys = st.binary(min_size=32, max_size=32)


@given(plaintext=st.binary(), data_key=data_keys, context=contexts)
def test_what_is_sealed_opens_again(
    plaintext: bytes, data_key: bytes, context: Context
) -> None:
    sealed = seal(plaintext, data_key=data_key, context=context)

    assert unseal(sealed, data_key=data_key, context=context) == plaintext


@given(st.binary(min_size=8))
def test_a_plaintext_cannot_be_seen_in_its_seal(plaintext: bytes) -> None:
    assert plaintext not in seal(plaintext, data_key=KEY, context=CONTEXT)


def test_the_same_secret_never_looks_the_same() -> None:
    first, second = (seal(b"s", data_key=KEY, context=CONTEXT) for _ in range(2))

    assert first[33:45] != second[33:45]
    assert first[45:] != second[45:]


def test_every_flipped_bit_is_noticed() -> None:
    sealed = seal(b"secret", data_key=KEY, context=CONTEXT)

    for index in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(CredentialUnreadableError):
            unseal(bytes(flipped), data_key=KEY, context=CONTEXT)


def test_every_shortened_seal_is_noticed() -> None:
    sealed = seal(b"secret", data_key=KEY, context=CONTEXT)

    for length in range(len(sealed)):
        with pytest.raises(CredentialUnreadableError):
            unseal(sealed[:length], data_key=KEY, context=CONTEXT)


@pytest.mark.parametrize("other", OTHER_CONTEXTS)
def test_a_seal_does_not_open_for_another_context(other: Context) -> None:
    sealed = seal(b"secret", data_key=KEY, context=CONTEXT)

    with pytest.raises(CredentialTamperedError):
        unseal(sealed, data_key=KEY, context=other)


def test_another_key_is_told_from_a_changed_ciphertext() -> None:
    sealed = seal(b"secret", data_key=KEY, context=CONTEXT)

    with pytest.raises(CredentialWrongKeyError):
        unseal(sealed, data_key=OTHER_KEY, context=CONTEXT)


@given(contexts, contexts)
def test_no_two_contexts_are_encoded_alike(one: Context, other: Context) -> None:
    assert (one.canonical() == other.canonical()) == (one == other)


def test_a_context_is_encoded_in_one_way() -> None:
    assert CONTEXT.canonical() == (
        b'{"organization":"01900000-0000-7000-8000-000000000001",'
        b'"origin":"https://api.openai.com",'
        b'"provider":"01900000-0000-7000-8000-000000000002",'
        b'"service":"credentials","version":"1"}'
    )
