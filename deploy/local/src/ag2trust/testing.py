"""Real servers for tests, with the roles, schemas and permissions of production.

`TEST_POSTGRES_URL` (of a superuser) and `TEST_NATS_URL` name given servers instead;
such a NATS server needs the logins of `identity_of`, printed as its configuration by
`python -m ag2trust.testing`.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import asyncpg
from pydantic import BaseModel

from metrics.counting.retention import Retention
from metrics.repositories.retention import PostgresRetention
from metrics.settings import Settings as MetricsSettings
from shared.bus import NatsBus, connect_bus
from shared.contracts.base import Service
from shared.database import connect_database
from shared.identity import Identity
from shared.ids import new_id
from shared.migrations import migrate
from shared.settings import DatabaseSettings, ServiceSettings

from .accounts import unprivileged_account
from .installation import RUNNER, Installation, RunnerRuntime
from .nats_server import NatsServer, configuration, running_nats
from .ports import free_port
from .postgres import SUPERUSER, Postgres, running_postgres
from .provisioning import (
    ROLES,
    database_sql,
    provision_database,
    provision_roles,
    schema_sql,
)

__all__ = [
    "PASSWORD",
    "BusAs",
    "Servers",
    "Stack",
    "fresh_stack",
    "identity_of",
    "running_servers",
]

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

PASSWORD = "only-for-tests"  # noqa: S105 - the server holds nothing else


class BusAs:
    """Logs in as any service: `async with bus_as(Service.GATEWAY) as bus`."""

    def __init__(self, nats_url: str) -> None:
        self._nats_url = nats_url

    def __call__(self, service: Service) -> AbstractAsyncContextManager[NatsBus]:
        identity = identity_of(service)
        return connect_bus(self._nats_url, service=service, identity=identity)


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of one test session; *admin_url* is a superuser's.

    *templates* are databases in which the named services have been, and fresh ones are
    their copies; without, they are empty. *ended* nobody needs any more: they are
    dropped by who makes the next.
    """

    admin_url: str
    nats_url: str
    templates: dict[frozenset[Service], str] | None = None
    ended: list[str] = field(default_factory=list)

    def database_url(self, role: str, database: str) -> str:
        """Return *admin_url* with another login and database."""
        parts = urlsplit(self.admin_url)
        host = parts.netloc.rpartition("@")[2]
        login = f"{role}:{quote(PASSWORD, safe='')}@{host}"
        return f"postgresql://{login}/{database}?{parts.query}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A database without rows and files of its own, for one test."""

    servers: Servers
    database: str
    installation: Installation
    folder: Path

    def settings(
        self, settings: type[SettingsT], service: Service, **overrides: Any
    ) -> SettingsT:
        """Build *service*'s settings from what its process is told, and that alone."""
        built = settings.__new__(settings)
        told = self.installation.settings_of(service) | overrides
        BaseModel.__init__(built, **told)  # that of settings asks the environment, too
        return built

    def database_settings(self, service: Service) -> DatabaseSettings:
        """Build what *service* knows of its database, and no more."""
        told = self.installation.settings_of(service)
        names = DatabaseSettings.model_fields.keys() & told.keys()
        return DatabaseSettings.model_validate({name: told[name] for name in names})

    def environment(self, service: Service, **overrides: str) -> dict[str, str]:
        """Return the variables *service* would be started with as a process."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            **self.installation.environment_of(service),
            **overrides,
        }

    def identity(self, service: Service) -> Identity:
        return identity_of(service)

    async def connect(
        self, role: str | None = None
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection as *role*, or as the superuser, who sees every row."""
        if role is None:
            return await asyncpg.connect(self.servers.admin_url, database=self.database)
        return await asyncpg.connect(self.servers.database_url(role, self.database))

    async def empty_schema(self, service: Service) -> None:
        """Leave *service* what it finds at its first start: no table, no migration."""
        connection = await self.connect()
        try:
            await connection.execute(f"DROP SCHEMA {service} CASCADE")
            await connection.execute(schema_sql(service))
        finally:
            await connection.close()


@cache
def identity_of(service: Service) -> Identity:
    """Return *service*'s identity in tests, the same on every machine."""
    return Identity(hashlib.sha256(f"ag2trust test {service}".encode()).digest())


@asynccontextmanager
async def running_servers(folder: Path) -> AsyncIterator[Servers]:
    """Start what no variable names, with data below *folder*, and make the roles."""
    async with _postgres(folder) as admin_url, _nats(folder) as nats_url:
        await provision_roles(admin_url, dict.fromkeys(ROLES, PASSWORD), iterations=1)
        templates: dict[frozenset[Service], str] = {}
        servers = Servers(admin_url, nats_url, templates)
        yield servers
        servers.ended.extend(templates.values())
        async with _administrator(servers) as connection:
            await _drop_ended(servers, connection)


@asynccontextmanager
async def fresh_stack(
    servers: Servers, folder: Path, services: Iterable[Service] = Service
) -> AsyncIterator[Stack]:
    """Provide a database, which ends with the block, and files below *folder*.

    *services* find what their first start makes; others make it themselves.
    """
    database = f"test_{new_id().hex}"
    await _make_database(servers, database, frozenset(services))
    try:
        yield _stack(servers, database, folder)
    finally:
        servers.ended.append(database)


def _stack(servers: Servers, database: str, folder: Path) -> Stack:
    return Stack(servers, database, _installation(servers, database, folder), folder)


def _installation(servers: Servers, database: str, folder: Path) -> Installation:
    return Installation(
        name=database[-8:],
        nats_url=servers.nats_url,
        database_urls={role: servers.database_url(role, database) for role in ROLES},
        identity_files={
            service: _identity_file(service, folder) for service in Service
        },
        credentials_identity=identity_of(Service.CREDENTIALS).public,
        metrics_identity=identity_of(Service.METRICS).public,
        master_key_file=_private(folder / "master.key", os.urandom(32).hex()),
        runners_file=_private(folder / "runners.json", _runners()),
        audit_folder=folder / "audit",
        runner_folder=folder / "agent-runner",
        broker_socket=folder / "broker.sock",
        gateway_port=free_port(),
        proxy_port=free_port(),
        allow_private_base_urls=True,
        runtime=RunnerRuntime("process"),
    )


def _identity_file(service: Service, folder: Path) -> Path:
    return _private(folder / f"{service}.nkey", identity_of(service).nkey_seed)


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _runners() -> str:
    identity = str(identity_of(Service.AGENT_RUNNER).public)
    return json.dumps(
        [{"runner": RUNNER, "identity": identity, "organizations": ["*"]}]
    )


async def _make_database(
    servers: Servers, database: str, services: frozenset[Service]
) -> None:
    if servers.templates is None:
        await provision_database(servers.admin_url, database)
        return
    if services not in servers.templates:
        servers.templates[services] = await _make_template(servers, services)
    async with _administrator(servers) as connection:
        await _drop_ended(servers, connection)
        await connection.execute(
            f"CREATE DATABASE {database} TEMPLATE {servers.templates[services]} "
            "STRATEGY FILE_COPY"  # its log is short, and nobody waits for its disk
        )
        await connection.execute(database_sql(database))


async def _make_template(servers: Servers, services: frozenset[Service]) -> str:
    """Do in a database what *services* do at their first start, and return its name."""
    database = f"template_{new_id().hex}"
    await provision_database(servers.admin_url, database)
    with TemporaryDirectory() as folder:
        stack = _stack(servers, database, Path(folder))
        for service in services:
            settings = stack.database_settings(service)
            await migrate(settings, f"{service}.migrations")
        if Service.METRICS in services:
            await _make_days(stack)
    return database


async def _make_days(stack: Stack) -> None:
    settings = stack.settings(MetricsSettings, Service.METRICS)
    async with connect_database(settings) as database:
        retention = Retention(
            PostgresRetention(database),
            calls_kept=settings.calls_kept,
            minutes_kept=settings.minutes_kept,
        )
        await retention.make_days()


async def _drop_ended(
    servers: Servers, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    while servers.ended:
        await connection.execute(f"DROP DATABASE {servers.ended.pop()} WITH (FORCE)")


@asynccontextmanager
async def _administrator(
    servers: Servers,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(servers.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _postgres(folder: Path) -> AsyncIterator[str]:
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    server = Postgres(
        folder / "postgres",
        log=folder / "postgres.log",
        account=unprivileged_account(),
        is_durable=False,
    )
    async with running_postgres(server, PASSWORD):
        yield server.url(SUPERUSER, PASSWORD, "postgres")


@asynccontextmanager
async def _nats(folder: Path) -> AsyncIterator[str]:
    if given := os.environ.get("TEST_NATS_URL"):
        yield given
        return
    server = NatsServer(
        folder / "nats",
        log=folder / "nats.log",
        port=free_port(),
        logins=_logins(),
    )
    async with running_nats(server):
        yield server.url


def _logins() -> Mapping[str, Service]:
    return {identity_of(service).public.nkey: service for service in Service}


if __name__ == "__main__":
    print(  # noqa: T201 - this is what the module does as a program
        json.dumps(configuration(port=4222, store=Path("jetstream"), logins=_logins()))
    )
