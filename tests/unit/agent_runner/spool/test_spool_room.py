import errno
import os
from pathlib import Path

import pytest

from agent_runner.spool.errors import SpoolBrokenError, SpoolFullError
from agent_runner.spool.format import (
    HEADER_BYTES,
    MAX_OPENED_RECORD_BYTES,
    MAX_SETTLED_RECORD_BYTES,
    RECORD_OVERHEAD_BYTES,
)
from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import Spool
from shared.ids import new_id

from .spooling import (
    A_DAY_LATER,
    FOREVER,
    LARGEST_OPENED,
    LARGEST_SETTLED,
    LONG_AGO,
    SMALL,
    admit_until_full,
    call,
    contents,
    opened,
    refusing,
    segments,
    sequences,
)


def fill_a_segment(spool: Spool) -> None:
    """Make the two calls that leave no byte of a small segment."""
    half = (SMALL - HEADER_BYTES) // 2
    rest = half - MAX_OPENED_RECORD_BYTES - RECORD_OVERHEAD_BYTES
    for _ in range(2):
        call_id = new_id().bytes
        spool.open_call(call_id, LARGEST_OPENED)
        spool.settle(call_id, bytes(rest))


def test_every_admitted_call_can_be_settled_in_a_full_spool(tmp_path: Path) -> None:
    with opened(tmp_path, max_total_bytes=4 * SMALL) as spool:
        calls = admit_until_full(spool)

        settled = [spool.settle(call_id, LARGEST_SETTLED) for call_id in calls]

        assert settled == [1, 2, 3]
        assert len(segments(tmp_path)) == 4


def test_a_full_spool_leaves_every_byte_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path, max_total_bytes=SMALL) as spool:
        spool.open_call(new_id().bytes, LARGEST_OPENED)
        before = contents(tmp_path)

        with pytest.raises(SpoolFullError):
            spool.open_call(new_id().bytes, LARGEST_OPENED)

        assert contents(tmp_path) == before
        assert not spool.is_broken


def test_a_settled_call_makes_room_for_another(tmp_path: Path) -> None:
    with opened(tmp_path, max_total_bytes=SMALL) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")
        with pytest.raises(SpoolFullError):
            spool.open_call(new_id().bytes, b"refused")

        spool.settle(call_id, b"short")

        spool.open_call(new_id().bytes, b"admitted")


def test_room_is_counted_behind_the_record_that_is_opened(tmp_path: Path) -> None:
    left = MAX_SETTLED_RECORD_BYTES + 1000
    overhead = HEADER_BYTES + 2 * RECORD_OVERHEAD_BYTES + len(b"opened")
    with opened(tmp_path, max_total_bytes=SMALL) as spool:
        call(spool, bytes(SMALL - overhead - left))

        with pytest.raises(SpoolFullError):
            spool.open_call(new_id().bytes, LARGEST_OPENED)


def test_the_last_segment_is_used_when_the_one_before_is_full(tmp_path: Path) -> None:
    with opened(tmp_path, max_total_bytes=2 * SMALL) as spool:
        fill_a_segment(spool)

        call_id = new_id().bytes
        spool.open_call(call_id, LARGEST_OPENED)

        assert spool.settle(call_id, LARGEST_SETTLED) == 3


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_refuses_calls_and_leaves_no_file(
    tmp_path: Path, code: int
) -> None:
    with opened(tmp_path, disk=Disk(allocate=refusing(code))) as spool:
        with pytest.raises(SpoolFullError, match="make room for another segment"):
            spool.open_call(new_id().bytes, b"opened")

        assert list(contents(tmp_path)) == ["spool.id"]


def test_a_disk_that_cannot_make_a_file_is_not_called_full(tmp_path: Path) -> None:
    with (
        opened(tmp_path, disk=Disk(allocate=refusing(errno.EIO))) as spool,
        pytest.raises(SpoolBrokenError, match="Input/output error"),
    ):
        spool.open_call(new_id().bytes, b"opened")


def test_calls_left_open_can_be_closed_on_a_full_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            spool.open_call(new_id().bytes, LARGEST_OPENED)

    with opened(tmp_path, disk=Disk(allocate=refusing(errno.ENOSPC))) as spool:
        assert spool.recovery.interrupted == 10


def test_shipped_segments_are_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        spool.open_call(new_id().bytes, b"opened")
        before = len(segments(tmp_path))

        forgotten = spool.forget(through=10, older_than=FOREVER)

        assert forgotten == before - len(segments(tmp_path)) > 3


def test_what_is_not_shipped_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)

        for through in range(10):
            spool.forget(through, older_than=FOREVER)
            assert sequences(spool, after=through) == list(range(through + 1, 11))


def test_what_is_young_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        for segment in segments(tmp_path)[:2]:
            os.utime(segment, times=(0, LONG_AGO.timestamp()))

        assert spool.forget(through=10, older_than=LONG_AGO) == 0
        assert spool.forget(through=10, older_than=A_DAY_LATER) == 2


def test_nothing_is_synced_where_nothing_is_forgotten(tmp_path: Path) -> None:
    synced: list[int] = []
    with opened(tmp_path, disk=Disk(sync=synced.append)) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        before = len(synced)

        assert spool.forget(through=10, older_than=LONG_AGO) == 0
        assert len(synced) == before

        assert spool.forget(through=10, older_than=FOREVER) > 0
        assert len(synced) == before + 1


def test_a_segment_with_an_open_call_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(4):
            call(spool, LARGEST_SETTLED)
        open_call = new_id().bytes
        spool.open_call(open_call, b"precious")
        for _ in range(4):
            call(spool, LARGEST_SETTLED)

        spool.forget(through=8, older_than=FOREVER)

    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert closed == {open_call: b"precious"}
        assert spool.last_sequence == 9
        assert sequences(spool)[0] > 1


def test_a_call_is_not_interrupted_when_its_beginning_is_forgotten(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as spool:
        old = new_id().bytes
        spool.open_call(old, b"old")
        for _ in range(6):
            call(spool, LARGEST_SETTLED)
        spool.settle(old, b"settled")
        spool.forget(through=7, older_than=FOREVER)

    with opened(tmp_path) as spool:
        assert spool.recovery.interrupted == 0
        assert spool.last_sequence == 7


def test_sequences_go_on_when_all_they_counted_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        fill_a_segment(spool)
        spool.open_call(new_id().bytes, LARGEST_OPENED)
        assert spool.forget(through=2, older_than=FOREVER) == 1

    with opened(tmp_path) as spool:
        assert sequences(spool) == [3]


def test_reading_starts_with_the_oldest_that_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        spool.forget(through=6, older_than=FOREVER)

        kept = spool.read_settled(0, limit=2, max_bytes=1 << 20)

        assert 1 < kept[0].sequence <= 7
        assert kept[1].sequence == kept[0].sequence + 1


def test_what_is_shipped_but_young_can_be_read_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)
        spool.forget(through=10, older_than=LONG_AGO)

        assert sequences(spool) == list(range(1, 11))
