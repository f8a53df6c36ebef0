"""What the spool costs: run `python benchmarks/spool.py [directory]`.

Without a directory one is made in the current one, so that the figures are those of a
disk and not of a tmpfs. Payloads are 400 bytes opened and 1,500 settled.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter
from timeit import timeit
from zlib import crc32

from agent_runner.spool.format import encode_opened, encode_settled
from agent_runner.spool.spool import Spool
from shared.ids import new_id

CALLS = 100_000
BATCH = 500
SYNC_EVERY_SECONDS = 0.05
OPENED = b"o" * 400
SETTLED = b"s" * 1_500


def main() -> None:
    place = sys.argv[1] if len(sys.argv) > 1 else "."
    with tempfile.TemporaryDirectory(dir=place) as made:
        directory = Path(made)
        show_parts(directory)
        show_calls(directory / "spool")
        show_reading(directory / "spool")
        show_syncs(directory / "synced")


def show_parts(directory: Path) -> None:
    """Print what the steps of one call cost by themselves."""
    call_id = new_id().bytes
    record = encode_settled(1, call_id, SETTLED)
    file = os.open(directory / "plain", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(file, 0, 1 << 20)
    show("CRC-32 of the settled record", microseconds(lambda: crc32(record)))
    show("encode opened", microseconds(lambda: encode_opened(call_id, OPENED)))
    show("encode settled", microseconds(lambda: encode_settled(1, call_id, SETTLED)))
    show(
        "pwrite of the settled record", microseconds(lambda: os.pwrite(file, record, 0))
    )
    os.close(file)


def show_calls(directory: Path) -> None:
    """Print what open and settle cost together, synced in the background."""
    call_ids = [new_id().bytes for _ in range(CALLS)]
    spent: list[float] = []
    with open_spool(directory) as spool, synced(spool):
        began = perf_counter()
        for call_id in call_ids:
            before = perf_counter()
            spool.open_call(call_id, OPENED)
            spool.settle(call_id, SETTLED)
            spent.append(perf_counter() - before)
        seconds = perf_counter() - began
    spent.sort()
    megabytes = sum(path.stat().st_size for path in directory.iterdir()) / 1e6
    show("open and settle, mean", seconds / CALLS * 1e6)
    for name, part in (("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        show(f"open and settle, {name}", spent[int(part * CALLS)] * 1e6)
    show("open and settle, worst (a new segment)", spent[-1] * 1e6)
    show(f"written by {CALLS:,} calls", megabytes, unit="MB")
    show("written per second", megabytes / seconds, unit="MB/s")


def show_reading(directory: Path) -> None:
    """Print what opening and shipping cost after a restart."""
    began = perf_counter()
    with open_spool(directory) as spool:
        show("open the directory again", (perf_counter() - began) * 1e6)
        show("read a record, segments unknown", read_all(spool))
        show("read a record, segments known", read_all(spool))
        newest = spool.last_sequence - 1
        show("read the newest record", microseconds(lambda: read(spool, newest)))


def show_syncs(directory: Path) -> None:
    """Print what waiting for the disk costs."""
    with open_spool(directory) as spool:
        show("sync after one call", sum(sync_after(spool, 1) for _ in range(50)) / 50)
        show(
            "sync after 500 calls", sum(sync_after(spool, 500) for _ in range(20)) / 20
        )
    with open_spool(directory, sync_each=True) as spool:
        show("open and settle, sync_each", microseconds(lambda: call(spool), times=100))


def call(spool: Spool) -> None:
    call_id = new_id().bytes
    spool.open_call(call_id, OPENED)
    spool.settle(call_id, SETTLED)


def sync_after(spool: Spool, calls: int) -> float:
    for _ in range(calls):
        call(spool)
    began = perf_counter()
    spool.sync()
    return (perf_counter() - began) * 1e6


def read(spool: Spool, after: int) -> int:
    """Read a batch, and return its last sequence."""
    records = spool.read_settled(after, limit=BATCH, max_bytes=BATCH * len(SETTLED))
    return records[-1].sequence if records else 0


def read_all(spool: Spool) -> float:
    """Read everything in batches, and return the microseconds a record took."""
    began = perf_counter()
    after = 0
    while last := read(spool, after):
        after = last
    return (perf_counter() - began) / after * 1e6


def open_spool(
    directory: Path, *, sync_each: bool = False
) -> AbstractContextManager[Spool]:
    return Spool.open(
        directory, interrupted=lambda _call_id, payload: payload, sync_each=sync_each
    )


@contextmanager
def synced(spool: Spool) -> Iterator[None]:
    """Sync beside the block as often as a service does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(SYNC_EVERY_SECONDS):
            spool.sync()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def microseconds(act: Callable[[], object], times: int = 20_000) -> float:
    return timeit(act, number=times) / times * 1e6


def show(what: str, figure: float, unit: str = "µs") -> None:
    print(f"{what:<42}{figure:>12,.1f} {unit}")


if __name__ == "__main__":
    main()
