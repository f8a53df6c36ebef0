from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.spool.errors import PayloadTooLargeError, SpoolDamagedError
from agent_runner.spool.format import (
    HEADER_BYTES,
    MAX_OPENED_PAYLOAD_BYTES,
    MAX_SETTLED_PAYLOAD_BYTES,
    OpenedRecord,
    Record,
    SegmentHeader,
    SettledRecord,
    decode_contents,
    decode_header,
    decode_record,
    encode_header,
    encode_opened,
    encode_settled,
)

CALL = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HEADER = SegmentHeader(spool_id=CALL, ordinal=7, base=41, recover_from=6)
COUNTS = st.integers(0, 2**64 - 1)
CALL_IDS = st.binary(min_size=16, max_size=16)
RECORDS = st.one_of(
    st.builds(OpenedRecord, CALL_IDS, st.binary(max_size=MAX_OPENED_PAYLOAD_BYTES)),
    st.builds(SettledRecord, st.just(0), CALL_IDS, st.binary(max_size=100)),
)


def encode(record: Record) -> bytes:
    if isinstance(record, OpenedRecord):
        return encode_opened(record.call_id, record.payload)
    return encode_settled(record.sequence, record.call_id, record.payload)


def flips(data: bytes) -> list[bytes]:
    """Every copy of *data* in which one bit is another."""
    return [
        data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        for at in range(len(data))
        for bit in range(8)
    ]


def test_the_bytes_of_a_record_are_those_written_down() -> None:
    encoded = encode_settled(2, CALL.bytes, b'{"tokens":7}')

    assert encoded == bytes.fromhex(
        "25000000"  # length: 25 and 12
        "56b79231"  # CRC-32
        "02"  # settled
        "0200000000000000"  # sequence
        "01890a5dac96774bbcceb302099a8057"
        "7b22746f6b656e73223a377d"
    )


def test_the_bytes_of_a_header_are_those_written_down() -> None:
    assert encode_header(HEADER) == bytes.fromhex(
        "41473253504c3031"
        "01890a5dac96774bbcceb302099a8057"
        "0700000000000000"
        "2900000000000000"
        "0600000000000000"
        "fff4ed94"  # CRC-32
    )


@given(CALL_IDS, st.binary(max_size=MAX_OPENED_PAYLOAD_BYTES))
def test_an_opened_record_survives_the_round_trip(
    call_id: bytes, payload: bytes
) -> None:
    encoded = encode_opened(call_id, payload)

    assert decode_record(encoded) == OpenedRecord(call_id, payload)


@given(COUNTS, CALL_IDS, st.binary(max_size=MAX_SETTLED_PAYLOAD_BYTES))
def test_a_settled_record_survives_the_round_trip(
    sequence: int, call_id: bytes, payload: bytes
) -> None:
    encoded = encode_settled(sequence, call_id, payload)

    assert decode_record(encoded) == SettledRecord(sequence, call_id, payload)


@given(st.builds(SegmentHeader, st.uuids(), COUNTS, COUNTS, COUNTS))
def test_a_header_survives_the_round_trip(header: SegmentHeader) -> None:
    assert decode_header(encode_header(header), name="1") == header


def test_a_payload_may_have_the_allowed_length_and_not_a_byte_more() -> None:
    encode_opened(CALL.bytes, bytes(MAX_OPENED_PAYLOAD_BYTES))
    encode_settled(1, CALL.bytes, bytes(MAX_SETTLED_PAYLOAD_BYTES))

    with pytest.raises(PayloadTooLargeError, match="4097 bytes, at most 4096 fit"):
        encode_opened(CALL.bytes, bytes(MAX_OPENED_PAYLOAD_BYTES + 1))
    with pytest.raises(PayloadTooLargeError, match="8193 bytes, at most 8192 fit"):
        encode_settled(1, CALL.bytes, bytes(MAX_SETTLED_PAYLOAD_BYTES + 1))


def test_a_record_with_any_bit_flipped_is_not_trusted() -> None:
    encoded = encode_settled(9, CALL.bytes, b'{"tokens":7}')

    assert [decode_record(flipped) for flipped in flips(encoded)] == [None] * (
        8 * len(encoded)
    )


def test_a_record_cut_anywhere_is_not_trusted() -> None:
    encoded = encode_settled(9, CALL.bytes, b'{"tokens":7}')
    cuts = [encoded[:length] for length in range(len(encoded))]

    assert [decode_record(cut) for cut in cuts] == [None] * len(cuts)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_fail(data: bytes) -> None:
    assert decode_record(data) is None


def test_a_header_with_any_bit_flipped_is_told() -> None:
    for flipped in flips(encode_header(HEADER)):
        with pytest.raises(SpoolDamagedError, match=r"segment 7\.segment is damaged"):
            decode_header(flipped, name="7.segment")


def test_a_segment_that_was_never_begun_has_no_header() -> None:
    assert decode_header(bytes(HEADER_BYTES), name="1") is None


@given(st.lists(RECORDS, max_size=8), st.integers(0, 40))
def test_contents_end_where_the_zeros_begin(records: list[Record], zeros: int) -> None:
    numbered = _numbered(records)
    data = encode_header(HEADER) + b"".join(encode(each) for each in numbered)

    contents = decode_contents(data + bytes(zeros), HEADER.base)

    assert contents.records == numbered
    assert contents.end == len(data)
    settled = [each for each in numbered if isinstance(each, SettledRecord)]
    assert [decode_record(data, at) for at in contents.settled_at] == settled


def test_a_sequence_out_of_turn_ends_the_contents() -> None:
    records: list[Record] = [
        OpenedRecord(CALL.bytes, b"opened"),
        SettledRecord(HEADER.base + 1, CALL.bytes, b"settled"),
        SettledRecord(HEADER.base + 3, CALL.bytes, b"from another life"),
    ]
    data = encode_header(HEADER) + b"".join(encode(each) for each in records)

    assert decode_contents(data, HEADER.base).records == records[:2]


def _numbered(records: list[Record]) -> list[Record]:
    """Give the settled ones the sequences of a segment."""
    numbered: list[Record] = []
    sequence = HEADER.base
    for record in records:
        if isinstance(record, OpenedRecord):
            numbered.append(record)
            continue
        sequence += 1
        numbered.append(SettledRecord(sequence, record.call_id, record.payload))
    return numbered
