"""The database with its roles and schemas, brought to what every service expects.

A service has one schema and three roles of its name: `<service>` sees one organization
at a time, `<service>_sweep` all of them, `<service>_owner` makes the tables. None may
enter the schema of another.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

from shared.contracts.base import Service

from .errors import DiskFullError

__all__ = [
    "DATABASE",
    "ROLES",
    "database_sql",
    "owner_role",
    "provision_database",
    "provision_roles",
    "schema_sql",
    "scram_verifier",
    "service_role",
    "sweep_role",
]

DATABASE = "ag2trust"

_ITERATIONS = 4096  # PostgreSQL's own scram_iterations
_CONNECT_SECONDS = 10

# Roles are of the whole server, and PostgreSQL fails a change that meets another.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('ag2trust'));"

_ROLE = """
DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$;
ALTER ROLE {role} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT
    NOREPLICATION NOBYPASSRLS PASSWORD '{verifier}';
ALTER ROLE {role} SET search_path = {schema};
"""

_DATABASE = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {roles};
"""

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {owner};
GRANT USAGE ON SCHEMA {service} TO {role}, {sweep};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}, {sweep};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}
    GRANT USAGE, SELECT ON SEQUENCES TO {role}, {sweep};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}
    GRANT EXECUTE ON FUNCTIONS TO {role}, {sweep};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {service}
    GRANT USAGE ON TYPES TO {role}, {sweep};
"""


def service_role(service: Service) -> str:
    return str(service)


def sweep_role(service: Service) -> str:
    return f"{service}_sweep"


def owner_role(service: Service) -> str:
    return f"{service}_owner"


ROLES = tuple(
    role_of(service)
    for service in Service
    for role_of in (service_role, sweep_role, owner_role)
)
"""Every login of the product."""


async def provision_roles(
    admin_url: str, passwords: Mapping[str, str], *, iterations: int = _ITERATIONS
) -> None:
    """Make each of `ROLES` with its password, or give it that password; repeatable.

    *admin_url* logs in as a superuser to any database of the server. A login hashes a
    password *iterations* times; tests log in often, and alone may do with fewer.
    """
    await _execute(admin_url, _ONE_AT_A_TIME + _roles_sql(passwords, iterations))


async def provision_database(admin_url: str, database: str = DATABASE) -> None:
    """Make *database* with its schemas and grants, or bring it up to date."""
    if database not in await _databases(admin_url):
        await _execute(admin_url, f"CREATE DATABASE {database}")
    await _execute(admin_url, database_sql(database))
    schemas = "\n".join(map(schema_sql, Service))
    await _execute(admin_url, schemas, database=database)


def database_sql(database: str) -> str:
    """Return the SQL that lets `ROLES` connect to *database*, and nobody else."""
    return _DATABASE.format(database=database, roles=", ".join(ROLES))


def schema_sql(service: Service) -> str:
    """Return the SQL for *service*'s schema and for what its roles may do there."""
    return _SCHEMA.format(
        service=service,
        role=service_role(service),
        sweep=sweep_role(service),
        owner=owner_role(service),
    )


def scram_verifier(password: str, salt: bytes, *, iterations: int = _ITERATIONS) -> str:
    """Return what PostgreSQL stores of *password*, so that it never sees the password.

    Source: RFC 5802 §3; the text form is PostgreSQL's pg_authid.rolpassword.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (
        base64.b64encode(each).decode() for each in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256${iterations}:{salt64}${stored64}:{server64}"


def _roles_sql(passwords: Mapping[str, str], iterations: int) -> str:
    return "".join(
        _ROLE.format(
            role=role,
            schema=_service_of(role),
            verifier=scram_verifier(
                passwords[role], os.urandom(16), iterations=iterations
            ),
        )
        for role in ROLES
    )


def _service_of(role: str) -> str:
    return role.removesuffix("_sweep").removesuffix("_owner")


async def _databases(admin_url: str) -> set[str]:
    async with _connected(admin_url) as connection:
        rows = await connection.fetch("SELECT datname FROM pg_database")
    return {row["datname"] for row in rows}


async def _execute(admin_url: str, sql: str, *, database: str | None = None) -> None:
    async with _connected(admin_url, database) as connection:
        await connection.execute(sql)


@asynccontextmanager
async def _connected(
    admin_url: str, database: str | None = None
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect for the block; raise `DiskFullError` if what it writes has no room."""
    connection = await asyncpg.connect(
        admin_url, database=database, timeout=_CONNECT_SECONDS
    )
    try:
        yield connection
    except asyncpg.DiskFullError as error:
        raise DiskFullError from error
    finally:
        await connection.close()
