import asyncio
import socket
from collections.abc import Iterator, Sequence
from threading import Event

import pytest
from aiohttp import AddrInfoType

from shared.resolving import resolving

pytestmark = pytest.mark.asyncio

MORE_THAN_ASYNCIO_HAS_THREADS = 64
LIMIT_SECONDS = 30


class DeadNameServer:
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        self.is_let_go = Event()

    def lookup(self, *_: object, **__: object) -> Sequence[AddrInfoType]:
        self.is_let_go.wait()
        return []


@pytest.fixture
def dead() -> Iterator[DeadNameServer]:
    server = DeadNameServer()
    yield server
    server.is_let_go.set()


async def test_a_dead_name_server_holds_up_no_other_thread(
    dead: DeadNameServer,
) -> None:
    async with resolving(dead.lookup) as names:
        lookups = [
            asyncio.create_task(names.addresses("host", 80))
            for _ in range(MORE_THAN_ASYNCIO_HAS_THREADS)
        ]

        async with asyncio.timeout(LIMIT_SECONDS):
            assert await asyncio.to_thread(lambda: "done") == "done"

        assert not any(each.done() for each in lookups)
        dead.is_let_go.set()
        await asyncio.gather(*lookups)


async def test_on_asyncios_own_threads_it_would(dead: DeadNameServer) -> None:
    lookups = [
        asyncio.create_task(asyncio.to_thread(dead.lookup))
        for _ in range(MORE_THAN_ASYNCIO_HAS_THREADS)
    ]
    other = asyncio.create_task(asyncio.to_thread(lambda: "done"))

    finished, _ = await asyncio.wait([other], timeout=0.2)

    assert not finished
    dead.is_let_go.set()
    await asyncio.gather(*lookups, other)


async def test_addresses_are_given_as_aiohttp_wants_them() -> None:
    async with resolving() as names:
        (found,) = await names.resolve("127.0.0.1", 443)

    assert (found["host"], found["port"]) == ("127.0.0.1", 443)
    assert found["family"] == socket.AF_INET


async def test_only_the_family_that_is_asked_for_is_given() -> None:
    async with resolving() as names:
        assert await names.resolve("127.0.0.1", 443, socket.AF_INET6) == []


async def test_a_name_without_an_address_is_an_error_of_the_system() -> None:
    async with resolving() as names:
        with pytest.raises(OSError, match=r".+"):
            await names.addresses("host.invalid", 443)
