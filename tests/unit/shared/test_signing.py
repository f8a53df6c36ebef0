"""Signed words: whose they are, what they were signed for, and nothing else."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.base import Actor, Empty, Message, Signed
from shared.identity import Identity
from shared.signing import SignatureBrokenError, sign, signed_bytes, verify

RUNNER = Identity(b"r" * 32)
OTHER = Identity(b"o" * 32)
WORDS = Actor(kind="service", id="1")
SIGNED = sign(WORDS, purpose="lease", by=RUNNER)


class Unreadable(Message):
    body: int


def _changed(**fields: object) -> Signed:
    return SIGNED.model_copy(update=fields)


def test_signed_words_are_read_as_they_were_said() -> None:
    assert verify(SIGNED, Actor, purpose="lease", of=RUNNER.public) == WORDS


def test_signed_words_survive_the_wire() -> None:
    arrived = Signed.model_validate_json(SIGNED.model_dump_json())

    assert arrived == SIGNED
    assert verify(arrived, Actor, purpose="lease", of=RUNNER.public) == WORDS


@pytest.mark.parametrize("purpose", ["", "Lease", "lease ", "lease.reply", "leas"])
def test_words_signed_for_one_purpose_do_not_serve_another(purpose: str) -> None:
    with pytest.raises(SignatureBrokenError):
        verify(SIGNED, Actor, purpose=purpose, of=RUNNER.public)


@pytest.mark.parametrize(
    "changed",
    [
        _changed(body=SIGNED.body + b" "),
        _changed(body=SIGNED.body.replace(b"1", b"2")),
        _changed(body=b""),
        _changed(signature=SIGNED.signature[:-1]),
        _changed(signature=b""),
        _changed(signature=bytes(64)),
        _changed(signer=OTHER.public.nkey),
        _changed(signer=""),
    ],
    ids=[
        *("longer body", "other body", "no body", "short signature", "no signature"),
        *("empty signature", "other signer", "no signer"),
    ],
)
def test_changed_words_are_refused(changed: Signed) -> None:
    with pytest.raises(SignatureBrokenError):
        verify(changed, Actor, purpose="lease", of=RUNNER.public)


def test_another_signer_is_refused_under_either_name() -> None:
    by_other = sign(WORDS, purpose="lease", by=OTHER)
    disguised = by_other.model_copy(update={"signer": RUNNER.public.nkey})

    for each in (by_other, disguised):
        with pytest.raises(SignatureBrokenError):
            verify(each, Actor, purpose="lease", of=RUNNER.public)


def test_a_signers_name_alone_does_not_lend_its_key() -> None:
    mixed = replace(RUNNER.public, nkey=OTHER.public.nkey)

    with pytest.raises(SignatureBrokenError):
        verify(SIGNED, Actor, purpose="lease", of=mixed)


def test_words_off_their_shape_are_refused_though_well_signed() -> None:
    with pytest.raises(SignatureBrokenError):
        verify(SIGNED, Unreadable, purpose="lease", of=RUNNER.public)


def test_a_signature_binds_its_words_to_no_shape_but_the_purpose_does() -> None:
    assert verify(SIGNED, Empty, purpose="lease", of=RUNNER.public) == Empty()


def test_no_two_lists_of_parts_are_signed_as_the_same_bytes() -> None:
    words = (b"", b"a", b"aa", b"\0", b"\0\0\0\x01a")
    lists = [
        (purpose, parts)
        for purpose in ("", "a")
        for count in range(4)
        for parts in itertools.product(words, repeat=count)
    ]

    joined = {signed_bytes(purpose, *parts) for purpose, parts in lists}

    assert len(joined) == len(lists)


@given(
    st.tuples(st.text(), st.lists(st.binary())),
    st.tuples(st.text(), st.lists(st.binary())),
)
def test_different_parts_never_collide(
    one: tuple[str, list[bytes]], other: tuple[str, list[bytes]]
) -> None:
    same = signed_bytes(one[0], *one[1]) == signed_bytes(other[0], *other[1])

    assert same == (one == other)


@given(st.text(), st.lists(st.binary()))
def test_what_is_signed_can_never_be_the_nonce_of_a_nats_server(
    purpose: str, parts: list[bytes]
) -> None:
    with pytest.raises(UnicodeDecodeError):
        signed_bytes(purpose, *parts).decode()
