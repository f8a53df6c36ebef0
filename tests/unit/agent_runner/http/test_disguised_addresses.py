"""A corpus of spellings that hide where they lead: none gets past the client.

The names are resolved by the operating system, as a provider's or a receiver's is, and
whatever it makes of them is judged. The negative control shows that it does make
something of them.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohappyeyeballs import AddrInfoType
from tests.unit.shared.disguised_addresses import LOOPBACK, NEVER, PRIVATE

from agent_runner.http.client import Client, Origin, Resolve, connecting
from agent_runner.http.deadlines import watching_deadlines
from agent_runner.http.errors import ConnectingFailedError, ForbiddenAddressError


@asynccontextmanager
async def guarded(
    *, allow_private: bool, resolve: Resolve | None = None
) -> AsyncIterator[Client]:
    async with (
        watching_deadlines() as deadlines,
        connecting(
            deadlines=deadlines,
            allow_private=allow_private,
            silence=timedelta(seconds=20),
            resolve=resolve,
        ) as client,
    ):
        yield client


def origin(host: str, port: int = 1) -> Origin:
    return Origin(is_tls=False, host=host, port=port, authority=b"x")


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE, *NEVER])
async def test_no_spelling_leads_inside(host: str) -> None:
    async with guarded(allow_private=False) as client:
        with pytest.raises(ForbiddenAddressError):
            await client.connect(origin(host))


@pytest.mark.parametrize("host", NEVER)
async def test_some_addresses_are_reached_by_no_setting(host: str) -> None:
    async with guarded(allow_private=True) as client:
        with pytest.raises(ForbiddenAddressError):
            await client.connect(origin(host))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001"])
async def test_the_spellings_do_lead_there_where_that_is_allowed(host: str) -> None:
    """Port 1 is closed: to be refused there is to have been let through."""
    async with guarded(allow_private=True) as client:
        with pytest.raises(ConnectingFailedError):
            await client.connect(origin(host))


async def test_a_name_that_leads_elsewhere_the_second_time_is_judged_again() -> None:
    heard: list[asyncio.StreamWriter] = []
    answers = iter(["127.0.0.2", "127.0.0.1", "169.254.169.254"])

    async def rebinding(_: str, port: int) -> Sequence[AddrInfoType]:
        address = next(answers), port
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)

    server = await asyncio.start_server(hear, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, guarded(allow_private=True, resolve=rebinding) as client:
        first = await client.connect(origin("rebinding.example", port))
        with pytest.raises(ConnectingFailedError):
            await client.connect(origin("rebinding.example", port))
        with pytest.raises(ForbiddenAddressError):
            await client.connect(origin("rebinding.example", port))
        first.abort()
        for writer in heard:
            writer.close()

    assert len(heard) <= 1
