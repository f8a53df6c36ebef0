"""Names looked up in threads of their own.

The operating system's lookup cannot be given up, and a name server that never answers
holds its thread for many seconds. On the threads that everything else waits for, a few
such names would stop a whole process; here they keep only other lookups waiting.
Whoever asks for what is being looked up shares the answer: many connections to one
host that begin together need one thread.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["Resolver", "resolving"]

_MOST_AT_ONCE = 128

Lookup = Callable[..., Sequence[AddrInfoType]]
"""`socket.getaddrinfo`, or a test's."""

Asked = asyncio.Future[Sequence[AddrInfoType]]
"""A lookup that is under way."""


class Resolver(AbstractResolver):
    """Names the addresses of hosts; aiohttp's `resolver`, too."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, "resolving")
        self._under_way: dict[tuple[str, int], Asked] = {}

    async def addresses(self, host: str, port: int) -> Sequence[AddrInfoType]:
        """Ask the operating system; raises `OSError` for a name without an address."""
        asked = self._under_way.get((host, port)) or self._ask(host, port)
        return await asyncio.shield(asked)  # who gives up gives up for itself alone

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, protocol, _, address in await self.addresses(host, port)
            if family in {socket.AF_UNSPEC, found}
        ]

    async def close(self) -> None:
        """Begin no further lookup, and wait for none that is under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str, port: int) -> Asked:
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, self._found, host, port
        )
        self._under_way[host, port] = asked
        asked.add_done_callback(lambda _: self._under_way.pop((host, port)))
        return asked

    def _found(self, host: str, port: int) -> Sequence[AddrInfoType]:
        return self._lookup(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )


@asynccontextmanager
async def resolving(lookup: Lookup = socket.getaddrinfo) -> AsyncIterator[Resolver]:
    """Hold a resolver while the block runs."""
    resolver = Resolver(lookup)
    try:
        yield resolver
    finally:
        await resolver.close()
