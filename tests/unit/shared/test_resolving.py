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
        self.asked_for: list[tuple[object, ...]] = []

    def lookup(self, *asked: object, **_: object) -> Sequence[AddrInfoType]:
        self.asked_for.append(asked)
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
            asyncio.create_task(names.addresses(f"host{number}", 80))
            for number in range(MORE_THAN_ASYNCIO_HAS_THREADS)
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


async def test_what_is_being_looked_up_is_looked_up_once(dead: DeadNameServer) -> None:
    async with resolving(dead.lookup) as names:
        lookups = [asyncio.create_task(names.addresses("host", 80)) for _ in range(3)]
        await asyncio.sleep(0)
        dead.is_let_go.set()

        assert await asyncio.gather(*lookups) == [[], [], []]

    assert dead.asked_for == [("host", 80)]


async def test_what_was_looked_up_before_is_looked_up_again(
    dead: DeadNameServer,
) -> None:
    dead.is_let_go.set()
    async with resolving(dead.lookup) as names:
        await names.addresses("host", 80)
        await names.addresses("host", 80)

    assert dead.asked_for == [("host", 80), ("host", 80)]


async def test_who_gives_a_lookup_up_takes_it_from_nobody(dead: DeadNameServer) -> None:
    async with resolving(dead.lookup) as names:
        hasty = asyncio.create_task(names.addresses("host", 80))
        patient = asyncio.create_task(names.addresses("host", 80))
        await asyncio.sleep(0)

        hasty.cancel()
        dead.is_let_go.set()

        assert await patient == []
        assert hasty.cancelled()


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
