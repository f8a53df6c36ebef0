"""The spool against a model of it: a dict of open calls and a list of settled ones."""

import errno
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from agent_runner.spool.errors import SpoolFullError
from agent_runner.spool.format import (
    MAX_OPENED_PAYLOAD_BYTES,
    MAX_SETTLED_PAYLOAD_BYTES,
)
from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import SettledRecord
from shared.ids import new_id

from .spooling import FOREVER, SMALL, contents, opened

GARBAGE = st.binary(min_size=1, max_size=200)


class SpoolMachine(RuleBasedStateMachine):
    """Calls come and go while processes die, tails tear and the disk fills up."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.lives = 0
        self.disk_is_full = False
        self.open: dict[bytes, bytes] = {}
        self.settled: list[SettledRecord] = []
        self.shipped = 0
        self.directory = Path(self.place.name) / "0"
        self.start()

    def start(self) -> None:
        closed: dict[bytes, bytes] = {}
        self.stack = ExitStack()
        self.spool = self.stack.enter_context(
            opened(
                self.directory,
                closed=closed,
                segment_bytes=SMALL,
                max_total_bytes=40 * SMALL,
                disk=Disk(allocate=self.allocate, sync=lambda _: None),
            )
        )
        assert list(closed.items()) == list(self.open.items())
        for call_id in closed:
            self.note_settled(call_id, b"interrupted")

    def allocate(self, descriptor: int, offset: int, length: int) -> None:
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.posix_fallocate(descriptor, offset, length)

    def note_settled(self, call_id: bytes, payload: bytes) -> None:
        del self.open[call_id]
        self.settled.append(SettledRecord(len(self.settled) + 1, call_id, payload))

    def die(self) -> None:
        """Go on with the files as they are now, as after `kill -9`."""
        self.lives += 1
        files = shutil.copytree(self.directory, Path(self.place.name, str(self.lives)))
        self.stack.close()
        shutil.rmtree(self.directory)
        self.directory = files

    @rule(size=st.integers(0, MAX_OPENED_PAYLOAD_BYTES))
    def open_call(self, size: int) -> None:
        call_id, payload = new_id().bytes, b"o" * size
        before = contents(self.directory)
        try:
            self.spool.open_call(call_id, payload)
        except SpoolFullError:
            after = contents(self.directory)
            assert {name: after[name] for name in before} == before
        else:
            self.open[call_id] = payload

    @precondition(lambda self: self.open)
    @rule(data=st.data(), size=st.integers(0, MAX_SETTLED_PAYLOAD_BYTES))
    def settle(self, data: st.DataObject, size: int) -> None:
        call_id = data.draw(st.sampled_from(list(self.open)))
        payload = b"s" * size

        sequence = self.spool.settle(call_id, payload)

        self.note_settled(call_id, payload)
        assert sequence == len(self.settled)

    @rule(full=st.booleans())
    def fill_or_free_the_disk(self, *, full: bool) -> None:
        self.disk_is_full = full

    @rule(data=st.data())
    def ship_and_forget(self, data: st.DataObject) -> None:
        self.shipped = data.draw(st.integers(self.shipped, len(self.settled)))
        self.spool.forget(self.shipped, older_than=FOREVER)

    @rule()
    def sync(self) -> None:
        self.spool.sync()
        assert self.spool.durable_through == len(self.settled)

    @rule()
    def stop_and_start(self) -> None:
        self.stack.close()
        self.start()

    @rule()
    def die_and_start(self) -> None:
        self.die()
        self.start()

    @precondition(lambda self: self.open or self.settled)
    @rule(garbage=GARBAGE)
    def die_in_the_middle_of_a_write(self, garbage: bytes) -> None:
        newest = self.spool._chain._written[-1]
        self.die()
        with (self.directory / newest.name).open("r+b") as file:
            file.seek(newest.size - newest.free)
            file.write(garbage[: newest.free])
        self.start()

    @invariant()
    def everything_settled_can_be_read(self) -> None:
        kept = self.spool.read_settled(0, limit=10_000, max_bytes=1 << 40)
        first = kept[0].sequence if kept else len(self.settled) + 1
        assert first <= self.shipped + 1
        assert kept == self.settled[first - 1 :]

    @invariant()
    def reading_goes_on_from_anywhere(self) -> None:
        after = (self.shipped + len(self.settled)) // 2
        found = self.spool.read_settled(after, limit=3, max_bytes=12_000)
        assert found == self.settled[after : after + len(found)]
        assert bool(found) == (after < len(self.settled))

    def teardown(self) -> None:
        self.stack.close()
        self.place.cleanup()


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(stateful_step_count=50)
