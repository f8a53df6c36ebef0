"""What can be connected to from inside an agent's container."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE

__all__ = ["EVERY_ADDRESS", "reached_from"]

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - that it cannot be reached is what tests show

_CONNECT = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor

def reached(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return ""
    return address

with ThreadPoolExecutor(32) as pool:
    print(*pool.map(reached, sys.argv[1:]))
"""


async def reached_from(container_id: str, *targets: str) -> list[str]:
    """Return those of *targets* (`address:port`) that accept a connection."""
    process = await asyncio.create_subprocess_exec(
        *("docker", "exec", container_id, "python3", "-c", _CONNECT, *targets),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode().split()
