"""Records of several calls are written in one go, and count together or not at all."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent_runner.spool.errors import (
    PayloadTooLargeError,
    SpoolBrokenError,
    SpoolFullError,
)
from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import Spool
from shared.ids import new_id

from .spooling import (
    LARGEST_OPENED,
    LARGEST_SETTLED,
    SMALL,
    opened,
    refusing,
    sequences,
)

TOO_LARGE = LARGEST_SETTLED + b"x"


def ids(count: int) -> list[bytes]:
    return [new_id().bytes for _ in range(count)]


def opening(
    spool: Spool, calls: list[bytes], payload: bytes = b"opened"
) -> list[Callable[[], None]]:
    return [partial(spool.open_call, each, payload) for each in calls]


def settling(
    spool: Spool, calls: list[bytes], payload: bytes = b"settled"
) -> list[Callable[[], None]]:
    def settle(call_id: bytes) -> None:
        spool.settle(call_id, payload)

    return [partial(settle, each) for each in calls]


def going_as(acts: list[Callable[..., int]]) -> Disk:
    """Make a disk whose next writes go as *acts* say, and the others well."""

    def write(descriptor: int, data: bytes, offset: int) -> int:
        act = acts.pop(0) if acts else os.pwrite
        return act(descriptor, data, offset)

    return Disk(write=write)


def test_records_together_are_one_write_in_their_order(tmp_path: Path) -> None:
    writes: list[int] = []

    def write(descriptor: int, data: bytes, offset: int) -> int:
        writes.append(len(data))
        return os.pwrite(descriptor, data, offset)

    first, second, third = ids(3)
    with opened(tmp_path, disk=Disk(write=write)) as spool:
        spool.open_call(first, b"opened")
        spool.open_call(second, b"opened")
        before = len(writes)

        failures = spool.record_together(
            [
                *settling(spool, [second], b"one"),
                *opening(spool, [third]),
                *settling(spool, [first], b"two"),
            ]
        )

        assert failures == [None, None, None]
        assert len(writes) == before + 1
        read = spool.read_settled(0, limit=10, max_bytes=1 << 20)
    assert [(each.sequence, each.call_id, each.payload) for each in read] == [
        (1, second, b"one"),
        (2, first, b"two"),
    ]
    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert sequences(spool) == [1, 2, 3]
    assert closed == {third: b"opened"}


def test_one_that_is_refused_leaves_the_others(tmp_path: Path) -> None:
    first, second = ids(2)
    with opened(tmp_path) as spool:
        spool.record_together(opening(spool, [first, second]))

        failures = spool.record_together(
            [*settling(spool, [first], TOO_LARGE), *settling(spool, [second])]
        )

        assert isinstance(failures[0], PayloadTooLargeError)
        assert failures[1] is None
        assert spool.settle(first, b"settled") == 2


def test_of_a_write_that_fails_nothing_counts(tmp_path: Path) -> None:
    acts: list[Callable[..., int]] = []
    calls = ids(3)
    with opened(tmp_path, disk=going_as(acts)) as spool:
        spool.record_together(opening(spool, calls))
        acts.append(refusing(errno.EIO))

        failures = spool.record_together(settling(spool, calls))

        assert [type(each) for each in failures] == [SpoolBrokenError] * 3
        assert spool.is_broken
        assert (spool.last_sequence, sequences(spool)) == (0, [])


def test_a_write_that_fails_where_a_segment_ends_fails_those_before_it(
    tmp_path: Path,
) -> None:
    acts: list[Callable[..., int]] = []
    calls = ids(3)
    with opened(tmp_path, disk=going_as(acts)) as spool:
        spool.record_together(opening(spool, calls))
        acts.append(refusing(errno.EIO))

        failures = spool.record_together(settling(spool, calls, LARGEST_SETTLED))

        assert [type(each) for each in failures] == [SpoolBrokenError] * 3


def test_records_together_may_fill_several_segments(tmp_path: Path) -> None:
    calls = ids(5)
    with opened(tmp_path) as spool:
        spool.record_together(opening(spool, calls, LARGEST_OPENED))

        failures = spool.record_together(settling(spool, calls, LARGEST_SETTLED))

        assert failures == [None] * 5
        assert sequences(spool) == [1, 2, 3, 4, 5]
    with opened(tmp_path) as spool:
        assert (spool.recovery.interrupted, sequences(spool)) == (0, [1, 2, 3, 4, 5])


def test_what_was_opened_together_can_be_settled_on_a_full_disk(tmp_path: Path) -> None:
    calls = ids(20)
    with opened(tmp_path, max_total_bytes=4 * SMALL) as spool:
        failures = spool.record_together(opening(spool, calls, LARGEST_OPENED))

        admitted = [
            each for each, why in zip(calls, failures, strict=True) if why is None
        ]
        refused = [each for each in failures if each is not None]
        assert admitted
        assert {type(each) for each in refused} == {SpoolFullError}
        settled = spool.record_together(settling(spool, admitted, LARGEST_SETTLED))
        assert settled == [None] * len(admitted)


def test_a_broken_spool_tries_each_by_itself(tmp_path: Path) -> None:
    acts: list[Callable[..., int]] = []
    first, second, third = ids(3)
    with opened(tmp_path, disk=going_as(acts)) as spool:
        spool.record_together(opening(spool, [first, second, third]))
        acts.append(refusing(errno.EIO))
        spool.record_together(settling(spool, [first, first]))
        acts.append(refusing(errno.EIO))

        failures = spool.record_together(settling(spool, [second, third]))

        assert isinstance(failures[0], SpoolBrokenError)
        assert failures[1] is None
        assert sequences(spool) == [1]


def test_records_together_are_synced_once(tmp_path: Path) -> None:
    syncs: list[int] = []
    calls = ids(3)
    with opened(tmp_path, sync_each=True, disk=Disk(sync=syncs.append)) as spool:
        spool.record_together(opening(spool, calls))
        syncs.clear()

        spool.record_together(settling(spool, calls))

        assert len(syncs) == 1
        assert spool.durable_through == 3
