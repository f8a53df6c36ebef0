"""Cores that do not sleep while something is measured.

A core that has nothing to do sleeps. On a virtual machine it is the hypervisor that
wakes it, and what its caches held may be gone: where calls come one by one, that is
much of what a proxy seems to add. While /dev/cpu_dma_latency is open and was told 0,
the kernel lets no core sleep (its "PM QoS"). It is the same for every proxy.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cores_awake"]

_LATENCY = Path("/dev/cpu_dma_latency")
_NO_MICROSECONDS = struct.pack("i", 0)


@contextmanager
def cores_awake(*, wanted: bool) -> Iterator[bool]:
    """Keep all cores awake during the block; say whether that is *wanted* and allowed.

    As a rule it is allowed to root alone.
    """
    try:
        held = _LATENCY.open("wb", buffering=0) if wanted else None
    except OSError:
        held = None
    if held is None:
        yield False
        return
    with held:
        held.write(_NO_MICROSECONDS)
        yield True
