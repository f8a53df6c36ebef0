"""A process that makes calls without end and says what it did, for a test to kill.

It says a call's id when it is opened, and the id and the sequence when it is settled.

Arguments: the spool's directory, a seed, and "kernel" or "memory", the place that its
records are written to; a spool that keeps them in memory must lose calls.
"""

import os
import random
import sys
from pathlib import Path

from agent_runner.spool.segment import Disk
from agent_runner.spool.spool import Spool
from shared.ids import new_id

WRITES = {"kernel": os.pwrite, "memory": lambda _fd, data, _offset: len(data)}
MOST_OPEN_CALLS = 8


def say(*words: object) -> None:
    """Tell the test at once, with one system call."""
    os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


def main(directory: str, seed: str, place: str) -> None:
    dice = random.Random(seed)  # noqa: S311 no secret is made
    calls: list[bytes] = []
    with Spool.open(
        Path(directory),
        interrupted=lambda _call_id, payload: payload,
        segment_bytes=16 * 1024,
        disk=Disk(write=WRITES[place]),
    ) as spool:
        while True:
            if len(calls) < dice.randint(1, MOST_OPEN_CALLS):
                calls.append(new_id().bytes)
                spool.open_call(calls[-1], dice.randbytes(dice.randrange(2048)))
                say(calls[-1].hex())
                continue
            call_id = calls.pop(dice.randrange(len(calls)))
            sequence = spool.settle(call_id, dice.randbytes(dice.randrange(8192)))
            say(call_id.hex(), sequence)


if __name__ == "__main__":
    main(*sys.argv[1:])
