"""Machines on one host: network namespaces at a switch, whose cables can be pulled.

Made with `ip` of iproute2, which takes root. The addresses are those that RFC 2544
keeps for tests of networks; nothing is routed.
"""

import asyncio
import os
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from .hosts import Host

__all__ = ["Machines", "machines"]


@dataclass(frozen=True, slots=True)
class Machines:
    """*hosts* by the names of the machines; *here* is our own address at the switch."""

    hosts: Mapping[str, Host]
    here: str
    switch: str

    async def cut(self, name: str) -> None:
        """Drop from now on whatever *name* sends or is sent: nobody is told so."""
        await self._at_switch("set", self._port(name), "nomaster")

    async def mend(self, name: str) -> None:
        await self._at_switch("set", self._port(name), "master", "bridge")

    def _port(self, name: str) -> str:
        return f"port-{[*self.hosts].index(name)}"

    async def _at_switch(self, *arguments: str) -> None:
        await _ip("-netns", self.switch, "link", *arguments)


@asynccontextmanager
async def machines(names: Sequence[str]) -> AsyncIterator[Machines]:
    """Make a machine for each of *names*, and a cable from here to their switch."""
    assert os.geteuid() == 0, "Network namespaces take root."
    installation = secrets.token_hex(3)
    network = f"198.18.{secrets.randbelow(256)}"
    switch = f"ag2trust-{installation}"
    async with AsyncExitStack() as made:
        await made.enter_async_context(_namespace(switch))
        await _ip("-netns", switch, "link", "add", "bridge", "type", "bridge")
        await _ip("-netns", switch, "link", "set", "bridge", "up")
        hosts = {}
        for index, name in enumerate(names):
            machine = f"{switch}-{index}"
            await made.enter_async_context(_namespace(machine))
            await _plug(switch, machine, f"port-{index}", f"{network}.{index + 1}")
            hosts[name] = Host(
                f"{network}.{index + 1}", ("/usr/sbin/ip", "netns", "exec", machine)
            )
        here = f"{network}.254"
        await _plug_here(switch, f"agt{installation}", here)
        yield Machines(hosts, here, switch)


async def _plug(switch: str, machine: str, port: str, address: str) -> None:
    await _ip(
        *("-netns", switch, "link", "add", port, "type", "veth"),
        *("peer", "name", "eth0", "netns", machine),
    )
    await _ip("-netns", switch, "link", "set", port, "master", "bridge", "up")
    await _ip("-netns", machine, "link", "set", "lo", "up")
    await _ip("-netns", machine, "address", "add", f"{address}/24", "dev", "eth0")
    await _ip("-netns", machine, "link", "set", "eth0", "up")


async def _plug_here(switch: str, name: str, address: str) -> None:
    """Our end goes with the switch's, when its namespace does."""
    await _ip(
        *("link", "add", name, "type", "veth"),
        *("peer", "name", "port-here", "netns", switch),
    )
    await _ip("-netns", switch, "link", "set", "port-here", "master", "bridge", "up")
    await _ip("address", "add", f"{address}/24", "dev", name)
    await _ip("link", "set", name, "up")


@asynccontextmanager
async def _namespace(name: str) -> AsyncIterator[None]:
    await _ip("netns", "add", name)
    try:
        yield
    finally:
        await _ip("netns", "delete", name)


async def _ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "ip", *arguments, stdin=DEVNULL, stderr=PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, f"ip {' '.join(arguments)}: {errors.decode()}"
