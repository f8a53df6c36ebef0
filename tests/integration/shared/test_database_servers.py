"""Connecting where one of a URL's servers accepts connections and says nothing."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ag2trust.testing import Servers
from shared.database_servers import DatabaseServers

from ..metrics.cable import (  # noqa: TID252 - test folders are no packages
    cable_to_postgres,
    through,
)

pytestmark = pytest.mark.integration

PATIENCE = 8.0


@pytest.fixture
async def urls(servers: Servers) -> AsyncIterator[tuple[str, str]]:
    """Name a silent server, and then the real one; and the silent one alone."""

    async def say_nothing(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, cable_to_postgres(servers.admin_url).laid() as cable:
        real = through(servers.admin_url, cable)
        mute = real.replace(f":{cable.port}/", f":{port}/")
        yield real.replace("@", f"@127.0.0.1:{port},"), mute


async def test_a_silent_server_keeps_nobody_from_the_next(
    urls: tuple[str, str],
) -> None:
    both, _ = urls
    known = DatabaseServers()

    for _ in range(2):
        connection = await known.connect(both, timeout=PATIENCE)
        answer = await connection.fetchval("SELECT 1")
        await connection.close()

        assert answer == 1


async def test_without_shares_of_the_time_it_would(urls: tuple[str, str]) -> None:
    both, one = urls

    for url, connect in ((both, asyncpg.connect), (one, DatabaseServers().connect)):
        with pytest.raises(TimeoutError):
            await connect(url, timeout=0.5)
