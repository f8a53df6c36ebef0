import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent_runner.spool.errors import SpoolLockedError
from agent_runner.spool.format import HEADER_BYTES, RECORD_OVERHEAD_BYTES
from agent_runner.spool.spool import SettledRecord, Spool
from shared.ids import new_id

from .spooling import LARGEST_SETTLED, call, opened, segments, sequences

WRITER = Path(__file__).with_name("spool_writer.py")
KILLED = -9


@dataclass
class Told:
    """What killed writers had said before they died."""

    opened: set[bytes] = field(default_factory=set)
    settled: dict[int, bytes] = field(default_factory=dict)

    def hear(self, line: bytes) -> None:
        call_id, *sequence = line.decode().split()
        if sequence:
            self.settled[int(sequence[0])] = bytes.fromhex(call_id)
        else:
            self.opened.add(bytes.fromhex(call_id))


def kill_a_writer(directory: Path, told: Told, *, seed: int, place: str) -> None:
    """Let a process write until it has said some hundred things, and end it."""
    with subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, WRITER, directory, str(seed), place], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        for _ in range(100 + 77 * seed):
            told.hear(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            told.hear(line)
    assert writer.returncode == KILLED


def missing(told: Told, spool: Spool) -> set[bytes]:
    """Say which calls the spool does not have as they were told."""
    records = spool.read_settled(0, limit=1_000_000, max_bytes=1 << 40)
    kept = {record.sequence: record.call_id for record in records}
    wrong = {call for at, call in told.settled.items() if kept.get(at) != call}
    return wrong | (told.opened - set(kept.values()))


def test_no_call_is_lost_or_counted_twice_when_writers_are_killed(
    tmp_path: Path,
) -> None:
    told = Told()

    for seed in range(6):
        kill_a_writer(tmp_path, told, seed=seed, place="kernel")

    with opened(tmp_path) as spool:
        assert len(told.settled) > 500
        assert missing(told, spool) == set()
        assert sequences(spool) == list(range(1, spool.last_sequence + 1))
        records = spool.read_settled(0, limit=1_000_000, max_bytes=1 << 40)
        assert len({record.call_id for record in records}) == len(records)


def test_a_spool_that_kept_calls_in_memory_would_be_caught(tmp_path: Path) -> None:
    told = Told()

    kill_a_writer(tmp_path, told, seed=1, place="memory")

    with opened(tmp_path) as spool:
        assert missing(told, spool) >= told.opened


def test_the_lock_of_a_living_writer_holds_and_that_of_a_killed_one_does_not(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, WRITER, tmp_path, "1", "kernel"], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(SpoolLockedError), opened(tmp_path):
            pass
        writer.kill()

    with opened(tmp_path) as spool:
        assert spool.last_sequence > 0


@dataclass(frozen=True)
class Torn:
    """A spool of one settled call and one whose `settled` is the last record."""

    directory: Path
    last_call: bytes
    offset: int
    image: bytes

    @property
    def end(self) -> int:
        return len(self.image.rstrip(b"\0"))

    def put(self, tail: bytes) -> None:
        """Write the spool with *tail* in place of the last record."""
        [segment] = segments(self.directory)
        image = self.image[: self.offset] + tail
        segment.write_bytes(image.ljust(len(self.image), b"\0"))


@pytest.fixture
def torn(tmp_path: Path) -> Torn:
    last_call = new_id().bytes
    payload = b"the last payload"
    with opened(tmp_path) as spool:
        call(spool)
        spool.open_call(last_call, b"opened")
        spool.settle(last_call, payload)
    [segment] = segments(tmp_path)
    image = segment.read_bytes()
    size = RECORD_OVERHEAD_BYTES + len(payload)
    return Torn(tmp_path, last_call, len(image.rstrip(b"\0")) - size, image)


def tails(torn: Torn) -> Iterator[bytes]:
    """Yield the last record as a crash may leave it: cut, then zeros or old bytes."""
    record = torn.image[torn.offset : torn.end]
    for length in range(len(record)):
        yield record[:length]
        yield record[:length] + b"\xff" * (len(record) - length)
        yield record[:length] + b"\xff" * 1000


def test_a_record_torn_anywhere_is_dropped_and_all_before_it_kept(torn: Torn) -> None:
    for tail in tails(torn):
        torn.put(tail)

        with opened(torn.directory) as spool:
            found = spool.read_settled(1, limit=10, max_bytes=100)

            assert found == [SettledRecord(2, torn.last_call, b"interrupted")]
            assert spool.recovery.discarded_bytes == len(tail.rstrip(b"\0"))


def test_a_torn_tail_never_comes_back(torn: Torn) -> None:
    for tail in tails(torn):
        torn.put(tail)
        with opened(torn.directory) as spool:
            call(spool)

        with opened(torn.directory) as spool:
            assert spool.recovery.interrupted == 0
            assert spool.recovery.discarded_bytes == 0
            assert sequences(spool) == [1, 2, 3]


def test_a_whole_record_behind_a_torn_one_is_not_trusted(torn: Torn) -> None:
    record = torn.image[torn.offset : torn.end]
    torn.put(b"torn" + record[4:] + record)

    with opened(torn.directory) as spool:
        assert spool.recovery.discarded_bytes == 2 * len(record)
        assert sequences(spool) == [1, 2]


def test_a_flipped_bit_ends_what_is_trusted(torn: Torn) -> None:
    for at in range(HEADER_BYTES, torn.end):
        flipped = bytearray(torn.image)
        flipped[at] ^= 1 << at % 8
        [segment] = segments(torn.directory)
        segment.write_bytes(flipped)

        with opened(torn.directory) as spool:
            assert spool.recovery.discarded_bytes > 0
            assert spool.last_sequence <= 2
            assert sequences(spool) == list(range(1, spool.last_sequence + 1))


def test_damage_in_an_old_segment_hides_nothing_in_a_later_one(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.open_call(new_id().bytes, b"opened")
        for _ in range(5):
            call(spool, LARGEST_SETTLED)
    second = segments(tmp_path)[1]
    second.write_bytes(second.read_bytes()[:HEADER_BYTES] + b"damaged")

    with opened(tmp_path) as spool:
        found = sequences(spool)

        assert found[-1] == spool.last_sequence
        assert sorted({*range(1, found[-1] + 1)} - {*found}) == [2]


def test_a_segment_whose_header_never_reached_the_disk_is_spare_again(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as spool:
        for _ in range(2):
            call(spool, LARGEST_SETTLED)
    newest = segments(tmp_path)[-1]
    newest.write_bytes(bytes(HEADER_BYTES) + newest.read_bytes()[HEADER_BYTES:])

    with opened(tmp_path) as spool:
        assert spool.recovery.discarded_bytes > 0
        assert sequences(spool) == [1, 2]
        assert spool.recovery.interrupted == 1


def test_a_copy_made_at_any_time_is_a_whole_spool(tmp_path: Path) -> None:
    original = tmp_path / "original"
    with opened(original) as spool:
        for at in range(12):
            spool.open_call(new_id().bytes, b"opened")
            call(spool, LARGEST_SETTLED)
            copy = tmp_path / str(at)
            shutil.copytree(original, copy)

            with opened(copy) as copied:
                assert copied.recovery.interrupted == at + 1
                assert copied.last_sequence == 2 * (at + 1)
