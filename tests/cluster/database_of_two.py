"""PostgreSQL with a standby that has every commit before its client hears of it."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Command, start
from ag2trust.ports import free_port
from ag2trust.postgres import SUPERUSER, Postgres, binaries
from ag2trust.sockets import make_own_folder
from ag2trust.testing import PASSWORD
from ag2trust.waiting import until

from ..mortal import Mortal  # noqa: TID252 - test folders are no packages
from .hosts import Host

__all__ = ["DatabaseOfTwo", "Place", "database_of_two"]

_NEIGHBOURS = """
host all         all samenet scram-sha-256
host replication all samenet scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of the two is."""

    address: str
    port: int

    async def ask(self, statement: str) -> Any:
        """Put one statement, as a superuser who waits for no standby."""
        connection = await asyncpg.connect(
            host=self.address,
            port=self.port,
            user=SUPERUSER,
            password=PASSWORD,
            database="postgres",
            server_settings={"synchronous_commit": "local"},
        )
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class DatabaseOfTwo:
    """*servers* by name; *first* is the primary until *second* is promoted."""

    servers: dict[str, Mortal]
    first: Place
    second: Place

    @property
    def url(self) -> str:
        """Lead a superuser to whichever of the two is the primary."""
        places = (self.first, self.second)
        hosts = ",".join(f"{each.address}:{each.port}" for each in places)
        query = "target_session_attrs=read-write&sslmode=disable"
        return f"postgresql://{SUPERUSER}:{PASSWORD}@{hosts}/postgres?{query}"

    async def commit_on_both(self) -> None:
        """From now on a commit is answered when both have it on disk."""
        await self.first.ask("ALTER SYSTEM SET synchronous_standby_names TO '*'")
        await self.first.ask("SELECT pg_reload_conf()")
        await until(
            "a standby that commits too",
            lambda: self.first.ask("SELECT max(sync_state) FROM pg_stat_replication"),
            lambda kind: kind == "sync",
        )

    async def hold_replication(self) -> None:
        """Keep from the second what is committed from now on."""
        await self.second.ask("ALTER SYSTEM SET primary_conninfo TO ''")
        await self.second.ask("SELECT pg_reload_conf()")
        await until("no standby", self.followers, lambda count: count == 0)

    async def promote(self) -> None:
        """Make the second the primary; the first must be gone."""
        assert await self.second.ask("SELECT pg_promote()")

    async def followers(self) -> int:
        """Count the standbys that read what the first writes."""
        count: int = await self.first.ask("SELECT count(*) FROM pg_stat_replication")
        return count


@asynccontextmanager
async def database_of_two(
    folder: Path, hosts: Sequence[Host]
) -> AsyncIterator[DatabaseOfTwo]:
    """Run a primary and a standby, on the two *hosts*."""
    async with AsyncExitStack() as started:
        first, second = (Place(each.address, free_port()) for each in hosts)
        primary = _server(folder / "postgres-1", first)
        primary.open_the_way()
        await primary.create(PASSWORD)
        with (primary.data_folder / "pg_hba.conf").open("a") as file:
            file.write(_NEIGHBOURS)
        standby = _server(folder / "postgres-2", second)
        servers = {
            "postgres-1": _mortal(primary, hosts[0]),
            "postgres-2": _mortal(standby, hosts[1]),
        }
        started.push_async_callback(servers["postgres-1"].stop)
        started.push_async_callback(servers["postgres-2"].stop)
        await servers["postgres-1"].start()
        await _copy(first, standby)
        await servers["postgres-2"].start()
        database = DatabaseOfTwo(servers, first, second)
        await until("a standby", database.followers)
        yield database


def _server(folder: Path, place: Place) -> Postgres:
    return Postgres(
        folder,
        log=folder.with_suffix(".log"),
        account=unprivileged_account(),
        others={
            "listen_addresses": place.address,
            "port": str(place.port),
            "max_connections": "200",
            "fsync": "off",  # no test cuts the power
        },
    )


def _mortal(server: Postgres, host: Host) -> Mortal:
    return Mortal(lambda: host.moved(server.command()), server.is_ready)


async def _copy(place: Place, standby: Postgres) -> None:
    """Copy the primary at *place*, with word where to follow it from."""
    standby.open_the_way()
    make_own_folder(standby.data_folder, standby.account)
    source = (
        f"host={place.address} port={place.port} user={SUPERUSER} password={PASSWORD}"
    )
    copying = await start(
        Command(
            name="pg_basebackup",
            arguments=(
                *(str(binaries() / "pg_basebackup"), "--dbname", source),
                *("--pgdata", str(standby.data_folder)),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ),
            environment={"PATH": os.defpath},
            log=standby.log,
            account=standby.account,
        )
    )
    try:
        assert await copying.ended() == 0, copying.last_words()
    finally:
        await copying.stop(seconds=1)
