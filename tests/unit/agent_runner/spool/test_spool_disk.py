import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runner.spool.errors import SpoolBrokenError
from agent_runner.spool.format import SettledRecord
from agent_runner.spool.segment import Disk
from shared.ids import new_id

from .spooling import (
    FOREVER,
    LARGEST_OPENED,
    LARGEST_SETTLED,
    SMALL,
    call,
    opened,
    refusing,
    segments,
    sequences,
)


def test_nothing_is_durable_before_a_sync(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool)
        before = spool.durable_through

        spool.sync()

        assert (before, spool.durable_through) == (0, 1)


def test_a_sync_covers_earlier_segments(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(10):
            call(spool, LARGEST_SETTLED)

        spool.sync()

        assert spool.durable_through == 10


def test_a_sync_does_not_cover_what_is_written_while_it_runs(tmp_path: Path) -> None:
    meanwhile: list[Callable[[], object]] = []

    def sync(_: int) -> None:
        for act in meanwhile:
            act()

    with opened(tmp_path, disk=Disk(sync=sync)) as spool:
        call(spool)
        meanwhile.append(lambda: call(spool))

        spool.sync()

        meanwhile.clear()
        assert (spool.last_sequence, spool.durable_through) == (2, 1)


def test_forgetting_makes_durable_what_it_relies_on(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for _ in range(3):  # a record of this size fills more than half a segment
            call(spool, LARGEST_SETTLED)

        spool.forget(through=1, older_than=FOREVER)

        assert spool.durable_through == 3


def test_forgetting_does_not_wait_for_the_disk_where_nothing_is_forgotten(
    tmp_path: Path,
) -> None:
    syncs = 0

    def sync(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fdatasync(descriptor)

    with opened(tmp_path, disk=Disk(sync=sync)) as spool:
        call(spool)
        before = syncs

        assert spool.forget(through=1, older_than=FOREVER) == 0

        assert syncs == before


def test_torn_bytes_are_gone_from_the_disk_before_anything_is_written(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as spool:
        spool.open_call(new_id().bytes, b"opened")
    [segment] = segments(tmp_path)
    data = segment.read_bytes().rstrip(b"\0") + b"torn"
    segment.write_bytes(data.ljust(SMALL, b"\0"))
    done: list[str] = []

    def write(descriptor: int, data: bytes, offset: int) -> int:
        done.append("zeros written" if not any(data) else "record written")
        return os.pwrite(descriptor, data, offset)

    with opened(tmp_path, disk=Disk(write=write, sync=lambda _: done.append("synced"))):
        pass

    assert done == ["zeros written", "synced", "record written", "synced"]


def test_only_what_is_written_is_held_open(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool)
        before = len(list(Path("/proc/self/fd").iterdir()))

        for _ in range(20):
            call(spool, LARGEST_SETTLED)

        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_what_an_opening_finds_is_durable(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        call(spool)
        spool.open_call(new_id().bytes, b"opened")

    with opened(tmp_path) as spool:
        assert spool.durable_through == 2


def test_a_spool_that_syncs_each_is_durable_at_once(tmp_path: Path) -> None:
    with opened(tmp_path, sync_each=True) as spool:
        call(spool)

        assert spool.durable_through == 1


async def test_what_is_written_is_synced_in_the_background(tmp_path: Path) -> None:
    synced = asyncio.Event()
    loop = asyncio.get_running_loop()

    def sync(_: int) -> None:
        loop.call_soon_threadsafe(synced.set)

    with opened(tmp_path, disk=Disk(sync=sync)) as spool:
        async with asyncio.TaskGroup() as group:
            syncing = group.create_task(spool.syncing(every=timedelta()))
            call(spool)
            async with asyncio.timeout(20):
                await synced.wait()
            syncing.cancel()


async def test_an_idle_spool_is_not_synced(tmp_path: Path) -> None:
    syncs: list[int] = []
    with opened(tmp_path, disk=Disk(sync=syncs.append)) as spool:
        call(spool)
        spool.sync()
        syncs.clear()
        async with asyncio.TaskGroup() as group:
            syncing = group.create_task(spool.syncing(every=timedelta()))
            for _ in range(100):
                await asyncio.sleep(0)
            syncing.cancel()

    assert syncs == []


async def test_a_failing_sync_ends_the_background(tmp_path: Path) -> None:
    with opened(tmp_path, disk=Disk(sync=refusing(errno.EIO))) as spool:
        call(spool)

        with pytest.raises(SpoolBrokenError, match="could not sync its records"):
            await spool.syncing(every=timedelta())

        assert spool.is_broken


def test_a_spool_whose_sync_failed_never_trusts_the_disk_again(tmp_path: Path) -> None:
    failures: Iterator[Callable[..., object]] = iter([refusing(errno.EIO)])

    def sync(descriptor: int) -> None:
        next(failures, os.fdatasync)(descriptor)

    with opened(tmp_path, disk=Disk(sync=sync)) as spool:
        call(spool)
        with pytest.raises(SpoolBrokenError):
            spool.sync()

        with pytest.raises(SpoolBrokenError):
            spool.sync()
        with pytest.raises(SpoolBrokenError, match="could not sync its records"):
            spool.open_call(new_id().bytes, b"refused")
        assert spool.durable_through == 0


def test_calls_in_hand_are_still_settled_when_a_sync_has_failed(tmp_path: Path) -> None:
    with opened(tmp_path, disk=Disk(sync=refusing(errno.EIO))) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")
        with pytest.raises(SpoolBrokenError):
            spool.sync()

        assert spool.settle(call_id, b"settled") == 1

    with opened(tmp_path) as spool:
        assert sequences(spool) == [1]


def test_no_segment_follows_one_that_could_not_be_synced(tmp_path: Path) -> None:
    with opened(tmp_path, disk=Disk(sync=refusing(errno.EIO))) as spool:
        call(spool, LARGEST_SETTLED)
        call_id = new_id().bytes
        spool.open_call(call_id, LARGEST_OPENED)

        with pytest.raises(SpoolBrokenError):
            spool.settle(call_id, LARGEST_SETTLED)

    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert list(closed) == [call_id]


def test_a_failing_write_breaks_the_spool_until_it_is_opened_anew(
    tmp_path: Path,
) -> None:
    writes: Iterator[Callable[..., int]] = iter([os.pwrite] * 4 + [refusing(errno.EIO)])

    def write(descriptor: int, data: bytes, offset: int) -> int:
        return next(writes, os.pwrite)(descriptor, data, offset)

    with opened(tmp_path, disk=Disk(write=write)) as spool:
        call(spool)
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")
        with pytest.raises(SpoolBrokenError, match="could not write: Input/output"):
            spool.settle(call_id, b"settled")
        with pytest.raises(SpoolBrokenError):
            spool.open_call(new_id().bytes, b"refused")

    closed: dict[bytes, bytes] = {}
    with opened(tmp_path, closed=closed) as spool:
        assert closed == {call_id: b"opened"}
        assert sequences(spool) == [1, 2]


def test_half_a_write_is_no_record(tmp_path: Path) -> None:
    writes: Iterator[int] = iter([1 << 20, 1 << 20, 40])

    def write(descriptor: int, data: bytes, offset: int) -> int:
        return os.pwrite(descriptor, data[: next(writes)], offset)

    with opened(tmp_path, disk=Disk(write=write)) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"opened")
        with pytest.raises(SpoolBrokenError, match="only a part"):
            spool.settle(call_id, b"a payload of some length")

    with opened(tmp_path) as spool:
        assert spool.recovery.discarded_bytes > 0
        assert spool.read_settled(0, limit=10, max_bytes=100) == [
            SettledRecord(1, call_id, b"interrupted")
        ]
