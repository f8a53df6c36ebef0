"""What the tests of the spool share."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from agent_runner.spool.errors import SpoolFullError
from agent_runner.spool.format import (
    MAX_OPENED_PAYLOAD_BYTES,
    MAX_SETTLED_PAYLOAD_BYTES,
)
from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import Spool
from shared.ids import new_id

SMALL = 16 * 1024
LARGEST_OPENED = bytes(MAX_OPENED_PAYLOAD_BYTES)
LARGEST_SETTLED = bytes(MAX_SETTLED_PAYLOAD_BYTES)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
A_DAY_LATER = LONG_AGO + timedelta(days=1)


@contextmanager
def opened(
    directory: Path,
    *,
    closed: dict[bytes, bytes] | None = None,
    segment_bytes: int = SMALL,
    max_total_bytes: int | None = None,
    sync_each: bool = False,
    disk: Disk | None = None,
) -> Iterator[Spool]:
    """Open a spool of small segments; *closed* receives the interrupted calls."""

    def interrupted(call_id: bytes, payload: bytes) -> bytes:
        if closed is not None:
            closed[call_id] = payload
        return b"interrupted"

    with Spool.open(
        directory,
        interrupted=interrupted,
        segment_bytes=segment_bytes,
        max_total_bytes=max_total_bytes,
        sync_each=sync_each,
        disk=disk or Disk(),
    ) as spool:
        yield spool


def call(spool: Spool, payload: bytes = b"settled") -> bytes:
    """Make one call from `opened` to `settled`."""
    call_id = new_id().bytes
    spool.open_call(call_id, b"opened")
    spool.settle(call_id, payload)
    return call_id


def admit_until_full(spool: Spool) -> list[bytes]:
    admitted: list[bytes] = []
    while True:
        call_id = new_id().bytes
        try:
            spool.open_call(call_id, LARGEST_OPENED)
        except SpoolFullError:
            return admitted
        admitted.append(call_id)


def sequences(spool: Spool, after: int = 0) -> list[int]:
    records = spool.read_settled(after, limit=1_000_000, max_bytes=1 << 40)
    return [record.sequence for record in records]


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.segment"))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def refusing(code: int) -> Callable[..., NoReturn]:
    """Make a system call that fails with *code*."""

    def fail(*_: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return fail
