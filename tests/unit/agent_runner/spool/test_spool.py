import errno
from pathlib import Path

import pytest

from agent_runner.spool.chain import MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES
from agent_runner.spool.errors import (
    CallAlreadyOpenError,
    CallNotOpenError,
    PayloadTooLargeError,
    SpoolBrokenError,
    SpoolDamagedError,
    SpoolLockedError,
)
from agent_runner.spool.format import SettledRecord
from agent_runner.spool.segment import Disk
from shared.ids import new_id

from .spooling import (
    LARGEST_OPENED,
    LARGEST_SETTLED,
    SMALL,
    call,
    contents,
    opened,
    refusing,
    segments,
    sequences,
)


def test_settled_calls_are_numbered_from_one(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        first, second = new_id().bytes, new_id().bytes
        spool.open_call(first, b"a")
        spool.open_call(second, b"b")

        assert spool.settle(second, b"B") == 1
        assert spool.settle(first, b"A") == 2
        assert spool.read_settled(0, limit=10, max_bytes=100) == [
            SettledRecord(1, second, b"B"),
            SettledRecord(2, first, b"A"),
        ]


def test_reading_goes_on_where_it_is_told_to(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(5):
            call(spool)

        assert sequences(spool, after=3) == [4, 5]
        assert sequences(spool, after=5) == []
        assert sequences(spool, after=99) == []


def test_reading_a_long_way_leaves_nothing_out(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        calls = [new_id().bytes for _ in range(300)]
        for number, each in enumerate(calls, start=1):
            spool.open_call(each, b"opened")
            spool.settle(each, b"%d" % number)

        read = spool.read_settled(7, limit=250, max_bytes=1 << 20)

    assert read == [
        SettledRecord(number, each, b"%d" % number)
        for number, each in enumerate(calls, start=1)
        if 7 < number <= 257
    ]


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(5):
            call(spool)

        assert len(spool.read_settled(0, limit=3, max_bytes=100)) == 3
        assert spool.read_settled(0, limit=0, max_bytes=100) == []


def test_reading_stops_before_payloads_become_too_many_bytes(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(5):
            call(spool, b"ten bytes!")

        assert len(spool.read_settled(0, limit=10, max_bytes=29)) == 2
        assert len(spool.read_settled(0, limit=10, max_bytes=30)) == 3


def test_a_record_larger_than_a_batch_is_a_batch(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool, LARGEST_SETTLED)
        call(spool)

        [record] = spool.read_settled(0, limit=10, max_bytes=100)

        assert record.payload == LARGEST_SETTLED


def test_reading_stops_at_the_sequence_it_may_read_through(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(5):
            call(spool)

        records = spool.read_settled(1, limit=10, max_bytes=100, through=3)

        assert [record.sequence for record in records] == [2, 3]


def test_reading_crosses_segments(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)

        assert len(segments(tmp_path)) >= 5
        assert [sequences(spool, after) for after in range(11)] == [
            list(range(after + 1, 11)) for after in range(11)
        ]


def test_reading_near_the_end_does_not_touch_what_lies_before(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, b"as good as gone")
        [segment] = segments(tmp_path)
        segment.write_bytes(segment.read_bytes().replace(b"as good", b"no good", 9))

        assert sequences(spool, after=9) == [10]
        with pytest.raises(
            SpoolDamagedError, match=r"0001\.segment is damaged at byte"
        ):
            sequences(spool, after=8)


def test_a_call_is_opened_once(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"")

        with pytest.raises(CallAlreadyOpenError):
            spool.open_call(call_id, b"")


def test_a_call_is_settled_once_and_only_if_it_was_opened(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        settled = call(spool)

        with pytest.raises(CallNotOpenError):
            spool.settle(settled, b"again")
        with pytest.raises(CallNotOpenError):
            spool.settle(new_id().bytes, b"never opened")
        assert spool.last_sequence == 1


def test_a_payload_that_is_too_large_writes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")
        before = contents(tmp_path)

        with pytest.raises(PayloadTooLargeError):
            spool.open_call(new_id().bytes, LARGEST_OPENED + b"!")
        with pytest.raises(PayloadTooLargeError):
            spool.settle(call_id, LARGEST_SETTLED + b"!")

        assert contents(tmp_path) == before
        assert spool.settle(call_id, LARGEST_SETTLED) == 1


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        calls = [call(spool, LARGEST_SETTLED) for _ in range(10)]
        spool_id = spool.id

    with opened(tmp_path) as spool:
        records = spool.read_settled(0, limit=100, max_bytes=1 << 20)
        assert spool.id == spool_id
        assert [record.call_id for record in records] == calls
        assert spool.last_sequence == 10
        call(spool)
        assert sequences(spool, after=9) == [10, 11]


def test_calls_left_open_are_settled_in_their_order_on_opening(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        first, settled, second = new_id().bytes, new_id().bytes, new_id().bytes
        spool.open_call(first, b"first")
        spool.open_call(settled, b"settled")
        spool.open_call(second, b"second")
        spool.settle(settled, b"settled")

    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert list(closed.items()) == [(first, b"first"), (second, b"second")]
        assert spool.read_settled(1, limit=10, max_bytes=100) == [
            SettledRecord(2, first, b"interrupted"),
            SettledRecord(3, second, b"interrupted"),
        ]
        assert spool.recovery.interrupted == 2
        assert spool.recovery.discarded_bytes == 0


def test_an_interrupted_call_is_settled_once(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.open_call(new_id().bytes, b"opened")
    with opened(tmp_path):
        pass

    with opened(tmp_path) as spool:
        assert spool.recovery.interrupted == 0
        assert sequences(spool) == [1]


def test_a_call_opened_many_segments_ago_is_found_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        old = new_id().bytes
        spool.open_call(old, b"old")
        for _ in range(10):
            call(spool, LARGEST_SETTLED)

    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert closed == {old: b"old"}
        assert spool.last_sequence == 11


def test_a_call_settled_many_segments_later_is_not_interrupted(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        old = new_id().bytes
        spool.open_call(old, b"old")
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        spool.settle(old, b"settled")

    with opened(tmp_path) as spool:
        assert spool.recovery.interrupted == 0
        assert spool.last_sequence == 11


def test_opening_does_not_read_segments_without_open_calls(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
    oldest = segments(tmp_path)[0]
    oldest.write_bytes(oldest.read_bytes()[:52] + b"damaged")

    with opened(tmp_path) as spool:
        assert spool.last_sequence == 10
        assert sequences(spool) == list(range(2, 11))


def test_another_size_of_segments_may_be_chosen_at_any_time(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=SMALL) as spool:
        spool.open_call(new_id().bytes, b"opened")

    with opened(tmp_path, segment_bytes=2 * SMALL) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)

        assert sequences(spool) == list(range(1, 12))


@pytest.mark.parametrize("size", [MIN_SEGMENT_BYTES - 1, MAX_SEGMENT_BYTES + 1])
def test_a_segment_holds_one_call_or_more_and_fits_in_memory(
    tmp_path: Path, size: int
) -> None:
    with (
        pytest.raises(ValueError, match="a segment has 12406 to 1073741824 bytes"),
        opened(tmp_path, segment_bytes=size),
    ):
        pass


def test_a_segment_that_was_being_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "0000000000000001.new").write_bytes(b"unfinished")

    with opened(tmp_path) as spool:
        call(spool)

        assert sorted(contents(tmp_path)) == ["0000000000000001.segment", "spool.id"]


def test_a_spool_has_one_writer(tmp_path: Path) -> None:
    with (
        opened(tmp_path),
        pytest.raises(SpoolLockedError, match="Another process"),
        opened(tmp_path),
    ):
        pass

    with opened(tmp_path) as spool:
        call(spool)


def test_a_spool_that_could_not_be_opened_is_free_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.open_call(new_id().bytes, b"opened")

    with (
        pytest.raises(SpoolBrokenError),
        opened(tmp_path, disk=Disk(write=refusing(errno.EIO))),
    ):
        pass

    with opened(tmp_path) as spool:
        assert spool.recovery.interrupted == 1


def test_the_id_is_a_file_that_only_we_can_read(tmp_path: Path) -> None:
    with opened(tmp_path / "spool") as spool:
        call(spool)

    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()]
    assert (tmp_path / "spool" / "spool.id").read_text() == f"{spool.id}\n"
    assert modes == [0o600, 0o600]
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700


def test_segments_of_another_spool_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool)
    (tmp_path / "spool.id").unlink()

    with (
        pytest.raises(SpoolDamagedError, match=r"0001\.segment is not in its place"),
        opened(tmp_path),
    ):
        pass


def test_a_segment_in_another_ones_place_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool)
    [segment] = segments(tmp_path)
    segment.rename(segment.with_stem(f"{2:016}"))

    with (
        pytest.raises(SpoolDamagedError, match=r"0002\.segment is not in its place"),
        opened(tmp_path),
    ):
        pass


def test_a_segment_without_a_header_before_one_with_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(2):
            call(spool, LARGEST_SETTLED)
    oldest = segments(tmp_path)[0]
    oldest.write_bytes(bytes(SMALL))

    with (
        pytest.raises(SpoolDamagedError, match=r"0002\.segment is not in its place"),
        opened(tmp_path),
    ):
        pass


def test_an_id_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool.id").write_text("not an id")

    with (
        pytest.raises(SpoolDamagedError, match=r"spool\.id holds no id"),
        opened(tmp_path),
    ):
        pass


def test_a_place_that_cannot_be_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")

    with (
        pytest.raises(SpoolBrokenError, match="could not open its directory"),
        opened(tmp_path / "spool"),
    ):
        pass


def test_a_closed_spool_records_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")

    with pytest.raises(SpoolBrokenError, match="closed"):
        spool.open_call(new_id().bytes, b"opened")
    with pytest.raises(SpoolBrokenError):
        spool.settle(call_id, b"settled")
