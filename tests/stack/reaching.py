"""What can be connected to from inside a container, and where containers find us."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from ipaddress import ip_network

__all__ = ["EVERY_ADDRESS", "address_for_containers", "reached_from"]

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
    connect = ("exec", container_id, "python3", "-c", _CONNECT)
    return (await _docker(*connect, *targets)).split()


async def address_for_containers() -> str:
    """Return the address of this machine in the network that the engine brings.

    It is the first of the network's, which not every engine says.
    """
    subnet = "{{(index .IPAM.Config 0).Subnet}}"
    told = await _docker("network", "inspect", "bridge", "--format", subnet)
    return str(ip_network(told.strip())[1])


async def _docker(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()
