"""Cores that do not sleep while something is measured.

A core that has nothing to do sleeps. On a virtual machine it is the hypervisor that
wakes it, and what its caches held may be gone: where calls come one by one, that is
much of what a proxy seems to add. While /dev/cpu_dma_latency is open and was told 0,
the kernel lets no core sleep (its "PM QoS").
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cores_awake"]

_LATENCY = Path("/dev/cpu_dma_latency")
_NO_MICROSECONDS = struct.pack("i", 0)


@contextmanager
def cores_awake() -> Iterator[None]:
    """Keep all cores awake during the block.

    Raises `PermissionError` where that is not allowed: as a rule to root alone.
    """
    with _LATENCY.open("wb", buffering=0) as held:
        held.write(_NO_MICROSECONDS)
        yield
