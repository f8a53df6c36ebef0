"""What one turn records is written at its end, and what waits for it goes on then."""

import asyncio
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from agent_runner.http.turn import Turn
from agent_runner.proxy.calls import interrupted
from agent_runner.proxy.turn_records import TurnRecords
from agent_runner.spool.errors import CallAlreadyOpenError, SpoolBrokenError
from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import Spool
from shared.ids import new_id


@dataclass
class Told:
    """In the place of calls: keeps what happened, in its order."""

    events: list[object] = field(default_factory=list)
    is_failing: bool = False

    def write(self, descriptor: int, data: bytes, offset: int) -> int:
        if self.is_failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.events.append("written")
        return os.pwrite(descriptor, data, offset)

    def go_on(self, failure: Exception | None) -> None:
        self.events.append(failure and type(failure))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def spool(tmp_path: Path, told: Told) -> Iterator[Spool]:
    disk = Disk(write=told.write)
    with Spool.open(tmp_path, interrupted=interrupted, disk=disk) as spool:
        spool.open_call(new_id().bytes, b"the first, which begins a segment")
        told.events.clear()
        yield spool


@pytest.fixture
def busy() -> Turn:
    turn = Turn()
    turn.calls_in_hand = 100
    return turn


def add(records: TurnRecords, spool: Spool, turn: Turn, told: Told) -> None:
    """Let a call be opened in a callback of its own."""
    turn.begin()
    record = partial(spool.open_call, new_id().bytes, b"opened")
    records.add(record, told.go_on, turn=turn)
    turn.end()


async def test_calls_of_a_turn_go_on_after_one_write(
    spool: Spool, busy: Turn, told: Told
) -> None:
    records = TurnRecords(spool)
    for _ in range(3):
        add(records, spool, busy, told)
    before_the_end = [*told.events]

    await asyncio.sleep(0)

    assert before_the_end == []
    assert told.events == ["written", None, None, None]


async def test_the_only_call_waits_for_no_other(spool: Spool, told: Told) -> None:
    add(TurnRecords(spool), spool, Turn(), told)

    assert told.events == ["written", None]


async def test_every_call_of_a_turn_hears_of_a_write_that_failed(
    spool: Spool, busy: Turn, told: Told
) -> None:
    records = TurnRecords(spool)
    told.is_failing = True
    for _ in range(2):
        add(records, spool, busy, told)

    await asyncio.sleep(0)

    assert told.events == [SpoolBrokenError, SpoolBrokenError]
    told.is_failing = False


async def test_a_call_that_cannot_be_recorded_is_the_only_one_that_fails(
    spool: Spool, busy: Turn, told: Told
) -> None:
    records = TurnRecords(spool)
    call_id = new_id().bytes
    busy.begin()
    for _ in range(2):
        record = partial(spool.open_call, call_id, b"opened")
        records.add(record, told.go_on, turn=busy)
    busy.end()

    await asyncio.sleep(0)

    assert told.events == ["written", None, CallAlreadyOpenError]
