"""Identities: the file, the text forms, and agreement with NATS's own package."""

import base64
import os
from pathlib import Path

import nkeys
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.identity import Identity, IdentityFileError, PublicIdentity
from shared.sealing import seal

IDENTITY = Identity(bytes(range(32)))
PUBLIC = str(IDENTITY.public)


def _file(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    path = folder / "service.nkey"
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_an_identity_is_the_same_after_its_file(tmp_path: Path) -> None:
    path = _file(tmp_path, IDENTITY.nkey_seed + "\n")

    again = Identity.from_file(path)

    assert again.public == IDENTITY.public
    assert again.nkey_seed == IDENTITY.nkey_seed


def test_generated_identities_survive_the_round_trip_and_differ() -> None:
    made = [Identity.generate() for _ in range(20)]

    again = [Identity.from_nkey_seed(each.nkey_seed) for each in made]

    assert [each.public for each in again] == [each.public for each in made]
    assert len({each.public.nkey for each in made}) == 20


@pytest.mark.parametrize("mode", [0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o666])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = _file(tmp_path, IDENTITY.nkey_seed, mode=mode)

    with pytest.raises(IdentityFileError, match="make it mode 0600"):
        Identity.from_file(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    path = _file(tmp_path, IDENTITY.nkey_seed, mode=mode)

    assert Identity.from_file(path).public == IDENTITY.public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SU",
        IDENTITY.nkey_seed[:-1],
        IDENTITY.nkey_seed + "A",
        IDENTITY.nkey_seed.lower(),
        IDENTITY.public.nkey,
        nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_SERVER).decode(),
        "SÜ" + IDENTITY.nkey_seed[2:],
    ],
    ids=[
        *("empty", "only the prefix", "too short", "too long", "lower case"),
        *("a public key", "of a server", "not ASCII"),
    ],
)
def test_a_file_without_a_seed_is_refused_in_words_that_do_not_hold_it(
    tmp_path: Path, text: str
) -> None:
    path = _file(tmp_path, text)

    with pytest.raises(IdentityFileError) as caught:
        Identity.from_file(path)

    assert str(path) in str(caught.value)
    assert text == "" or text not in repr(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(IdentityFileError, match="cannot be read"):
            Identity.from_file(path)


def test_a_mistyped_seed_is_refused_and_not_somebody_else() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    seed = IDENTITY.nkey_seed
    for index in range(2, len(seed)):
        other = alphabet[(alphabet.index(seed[index]) + 1) % 32]
        mistyped = seed[:index] + other + seed[index + 1 :]

        with pytest.raises(ValueError):  # noqa: PT011 - any words will do
            Identity.from_nkey_seed(mistyped)


@given(st.text() | st.binary().map(lambda raw: base64.b32encode(raw).decode()))
@example("SU\ud800")
@example("S" * 58)
@example("not ")  # a part of what the error says
def test_a_hostile_seed_raises_a_value_error_that_does_not_hold_it(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - any words will do
        Identity.from_nkey_seed(text)

    assert str(caught.value) in {
        "not an nkey seed",
        "not the seed of a user",
        "the seed's checksum does not fit",
    }
    assert not isinstance(caught.value, UnicodeError)


def test_a_public_identity_is_the_same_after_its_text() -> None:
    assert PublicIdentity.parse(PUBLIC) == IDENTITY.public
    assert PublicIdentity.parse(f" {PUBLIC}\n") == IDENTITY.public


@given(st.text())
@example("")
@example(".")
@example("\0")
@example("\ud800.\ud800")
@example(PUBLIC.lower())
@example(PUBLIC.replace(".", ""))
@example(PUBLIC + "=")
@example(PUBLIC + "!!!!")
@example(PUBLIC[:-1])
@example(PUBLIC[:-1] + chr(ord(PUBLIC[-1]) + 1))
@example(PUBLIC + "." + PUBLIC)
@example(PUBLIC.replace("U", "N", 1))
@example(IDENTITY.nkey_seed)
def test_a_hostile_public_identity_raises_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any words will do
        PublicIdentity.parse(text)


@given(st.integers(0, len(PUBLIC) - 1), st.characters(codec="ascii"))
def test_a_public_identity_with_another_letter_is_another_or_none(
    index: int, letter: str
) -> None:
    text = PUBLIC[:index] + letter + PUBLIC[index + 1 :]

    try:
        parsed = PublicIdentity.parse(text)
    except ValueError:
        return

    assert str(parsed) == text.strip()


def test_nats_own_package_makes_the_same_public_key_of_the_seed() -> None:
    pair = nkeys.from_seed(bytearray(IDENTITY.nkey_seed.encode()))

    assert pair.public_key.decode() == IDENTITY.public.nkey


def test_nats_own_package_and_ours_accept_each_others_signatures() -> None:
    pair = nkeys.from_seed(bytearray(IDENTITY.nkey_seed.encode()))

    assert IDENTITY.public.verifies(pair.sign(b"words"), b"words")
    assert pair.verify(b"words", IDENTITY.sign(b"words"))


def test_a_signature_of_other_words_or_another_length_does_not_verify() -> None:
    signature = IDENTITY.sign(b"words")

    assert IDENTITY.public.verifies(signature, b"words")
    assert not IDENTITY.public.verifies(signature, b"other words")
    for broken in (b"", signature[:-1], signature + b"\0", bytes(64)):
        assert not IDENTITY.public.verifies(broken, b"words")


def test_what_is_sealed_to_the_public_identity_opens_with_the_private_one() -> None:
    public = PublicIdentity.parse(PUBLIC)

    sealed = seal(b"secret", to=public.sealing_key, info=b"info")

    assert IDENTITY.sealing_key.open(sealed, info=b"info") == b"secret"


def test_derived_keys_differ_by_purpose_and_by_identity() -> None:
    other = Identity(os.urandom(32))
    purposes = ["", "a", "b", "sealing-key"]

    keys = [each.derive_key(one) for each in (IDENTITY, other) for one in purposes]

    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert IDENTITY.derive_key("a") == Identity(bytes(range(32))).derive_key("a")


def test_an_identity_shows_its_public_key_only() -> None:
    assert repr(IDENTITY) == f"Identity({IDENTITY.public.nkey})"
    assert IDENTITY.nkey_seed not in f"{IDENTITY!s} {IDENTITY!r}"


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Identity(bytes(length))
