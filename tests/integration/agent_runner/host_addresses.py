"""What this machine answers to, as the kernel tells it."""

import re
from pathlib import Path

__all__ = ["host_addresses", "listening_ports"]

_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
_LISTENING = "0A"  # TCP_LISTEN of the kernel's tcp_states.h


def host_addresses() -> set[str]:
    """Return the IPv4 addresses of every interface, loopback's aside."""
    found = _LOCAL.findall(Path("/proc/net/fib_trie").read_text())
    return {each for each in found if not each.startswith("127.")}


def listening_ports() -> set[int]:
    """Return the TCP ports that anything listens on, at whatever address."""
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]
    return {
        int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == _LISTENING
    }
