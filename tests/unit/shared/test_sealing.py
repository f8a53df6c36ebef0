"""Seals: they open for the reader and the purpose they were made for, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing import SealBrokenError, SealingKey, seal

READER = SealingKey.from_private_bytes(bytes(range(32)))
SEALED = seal(b"secret", to=READER.public_key, info=b"lease/1")

# The points of order 1, 2, 4 and 8 (RFC 7748, section 6.1; Langley and Bernstein's
# list) and two that are equal to one of them modulo p.
_P = 2**255 - 19
LOW_ORDER = [
    number.to_bytes(32, "little")
    for number in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _P - 1,
        _P,
        _P + 1,
    )
]


def test_the_reader_opens_what_was_sealed_to_it() -> None:
    assert READER.open(SEALED, info=b"lease/1") == b"secret"


@given(st.binary(max_size=4096), st.binary(max_size=256))
def test_any_bytes_come_back_as_they_were(plaintext: bytes, info: bytes) -> None:
    sealed = seal(plaintext, to=READER.public_key, info=info)

    assert READER.open(sealed, info=info) == plaintext


def test_the_same_words_are_never_sealed_the_same_way_twice() -> None:
    sealed = {seal(b"x", to=READER.public_key, info=b"") for _ in range(50)}

    assert len({each[:32] for each in sealed}) == 50


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealBrokenError):
        SealingKey.generate().open(SEALED, info=b"lease/1")


@pytest.mark.parametrize("info", [b"", b"lease/2", b"lease/1 ", b"lease/1\0", b"LEASE"])
def test_it_does_not_open_for_another_purpose(info: bytes) -> None:
    with pytest.raises(SealBrokenError):
        READER.open(SEALED, info=info)


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_a_shortened_seal_is_broken(length: int) -> None:
    with pytest.raises(SealBrokenError):
        READER.open(SEALED[:length], info=b"lease/1")


@pytest.mark.parametrize("index", range(len(SEALED)))
def test_a_seal_with_a_changed_bit_is_broken(index: int) -> None:
    for bit in range(8):
        changed = bytearray(SEALED)
        changed[index] ^= 1 << bit

        with pytest.raises(SealBrokenError):
            READER.open(bytes(changed), info=b"lease/1")


@given(st.binary(max_size=200))
def test_random_bytes_are_a_broken_seal(sealed: bytes) -> None:
    with pytest.raises(SealBrokenError):
        READER.open(sealed, info=b"lease/1")


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_nothing_is_sealed_to_a_point_of_low_order(point: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are OpenSSL's
        seal(b"secret", to=point, info=b"")


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_a_seal_from_a_point_of_low_order_is_broken(point: bytes) -> None:
    with pytest.raises(SealBrokenError):
        READER.open(point + SEALED[32:], info=b"lease/1")


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_nothing_is_sealed_to_a_key_of_another_length(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(b"secret", to=bytes(length), info=b"")
