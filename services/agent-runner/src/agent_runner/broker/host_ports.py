"""Closes the host to agents: of all its ports they reach their runner's alone.

An internal network has an address of the host's, and with it whatever listens on all
addresses. What comes from an agent's bridge and is not for the runner's port is dropped
and counted by a table of nftables of our own; Docker's rules are not touched.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

from agent_runner.runtimes.errors import EngineUnavailableError

from .netlink import Change, commit
from .nftables import Table, accept, drop, from_interfaces, to_tcp_port

__all__ = ["HostPorts", "may_close_ports"]

log = structlog.get_logger(__name__)

_AGENTS = "agents"
_INPUT = "input"


def may_close_ports() -> bool:
    """Say whether the kernel lets this process have rules of its own."""
    table = Table(f"ag2trust-may-{os.getpid()}")
    try:
        commit([table.new(), table.gone()])
    except OSError:
        return False
    return True


class HostPorts:
    """All closed but *port*, by the table *name*; needs CAP_NET_ADMIN on the host.

    *bridges* lists those of agents that are there. The table stays when this process
    ends, because agents do; it ends with the last of them. Every method raises
    EngineUnavailableError if the kernel refuses.
    """

    def __init__(
        self, name: str, *, port: int, bridges: Callable[[], Awaitable[set[str]]]
    ) -> None:
        self._table = Table(name)
        self._port = port
        self._list = bridges
        self._closed: set[str] | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Close them, or leave the table as it is while the engine does not answer."""
        try:
            bridges = await self._list()
        except EngineUnavailableError:
            log.warning("host_ports.unchanged")
            return
        await self._begin(bridges)

    async def close_to(self, bridge: str) -> None:
        """Return once nothing from *bridge* reaches a port that is not the runner's."""
        async with self._turn:
            if self._closed is None:
                await self._begin(await self._list())
            elif bridge not in self._closed:
                await self._changed(self._table.add(_AGENTS, [bridge]))
                self._closed.add(bridge)

    async def forget(self, bridge: str) -> None:
        """Take note that there is no such bridge any more."""
        async with self._turn:
            if self._closed and bridge in self._closed:
                await self._changed(self._table.remove(_AGENTS, [bridge]))
                self._closed.discard(bridge)

    async def refused(self) -> dict[str, int]:
        """Count what was dropped, in packets by bridge, since the table was made."""
        with _translated():
            return await asyncio.to_thread(self._table.counted, _AGENTS)

    async def end(self) -> None:
        """Leave nothing of ours behind where no agent is left."""
        if self._closed == set():
            await _committed(self._table.gone())

    async def _changed(self, change: Change) -> None:
        """Begin anew if it cannot be made: somebody has flushed the rules."""
        try:
            await _committed(change)
        except EngineUnavailableError:
            log.warning("host_ports.lost")
            await self._begin(await self._list())

    async def _begin(self, bridges: set[str]) -> None:
        # Deleting needs one that is there; all of it happens at once.
        await _committed(self._table.new(), self._table.gone(), *self._rules(bridges))
        self._closed = bridges

    def _rules(self, bridges: set[str]) -> list[Change]:
        return [
            self._table.new(),
            self._table.set_of_interfaces(_AGENTS),
            *([self._table.add(_AGENTS, bridges)] if bridges else []),
            self._table.input_chain(_INPUT),
            # From whatever bridge: the set counts all that is looked up in it.
            self._table.rule(_INPUT, to_tcp_port(self._port), accept()),
            self._table.rule(_INPUT, from_interfaces(_AGENTS), drop()),
        ]


async def _committed(*changes: Change) -> None:
    with _translated():
        await asyncio.to_thread(commit, changes)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineUnavailableError(
            "The host's ports cannot be closed to agents: the kernel refuses "
            f"({error.strerror or 'no answer'})."
        ) from error
