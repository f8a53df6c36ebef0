"""Which addresses processes listen on, as Linux shows it below /proc (proc(5))."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from .processes import Process

__all__ = ["listening_addresses"]

_LISTENING = "0A"  # TCP_LISTEN of the kernel's tcp_states.h
_ADDRESS, _STATE, _INODE = 1, 3, 9


def listening_addresses(processes: Iterable[Process]) -> set[tuple[str, int]]:
    """Return the IP addresses and TCP ports that any of *processes* listens on."""
    inodes = {inode for each in processes for inode in _sockets_of(each)}
    return {(address, port) for inode, address, port in _listeners() if inode in inodes}


def _sockets_of(process: Process) -> Iterator[str]:
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")


def _listeners() -> Iterator[tuple[str, str, int]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            facts = line.split()
            if facts[_STATE] == _LISTENING:
                address, _, port = facts[_ADDRESS].partition(":")
                yield facts[_INODE], _written(address), int(port, 16)


def _written(address: str) -> str:
    """Write what the kernel prints as words of 32 bits, each in the machine's order."""
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return str(ip_address(b"".join(each.to_bytes(4, sys.byteorder) for each in words)))
