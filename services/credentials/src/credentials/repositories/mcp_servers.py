"""MCP servers with their sealed tokens in PostgreSQL, and leases of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from credentials.envelope import McpServerContext, SealedSecret
from credentials.providers.base_url import origin_of
from shared.contracts.mcp_servers import McpServer
from shared.database import Transaction
from shared.errors import (
    ConflictError,
    McpServerGoneError,
    McpServerNotFoundError,
    NameTakenError,
)

from .uses import UsingAgent

__all__ = [
    "McpLease",
    "NewToken",
    "StoredMcpServer",
    "add_mcp_lease",
    "add_mcp_server",
    "agents_using_mcp_server",
    "forget_mcp_leases",
    "lock_mcp_server",
    "mcp_fingerprint_of",
    "mcp_server",
    "mcp_servers",
    "put_token",
    "remove_mcp_server",
    "set_mcp_uses",
    "stored_mcp_server",
    "used_mcp_server",
]

_COLUMNS = """
    s.id, s.name, s.url, s.encrypted_key IS NOT NULL AS has_token, s.token_hint,
    s.version, s.created_at, s.updated_at
"""
_STORED = f"""
    {_COLUMNS}, s.org_id, s.token_version, s.encrypted_key, s.encrypted_dek,
    s.master_key_id
"""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was sealed for a version of the row, and all that is told of it."""

    sealed: SealedSecret
    hint: str | None


@dataclass(frozen=True, slots=True)
class StoredMcpServer:
    """A server, and its token, still sealed, with what that is bound to."""

    server: McpServer
    context: McpServerContext
    token: SealedSecret | None


@dataclass(frozen=True, slots=True)
class McpLease:
    id: UUID
    org_id: UUID
    server_id: UUID
    agent_id: UUID | None
    runner: str
    nonce: bytes
    granted_at: datetime
    expires_at: datetime


async def add_mcp_server(
    transaction: Transaction,
    *,
    org_id: UUID,
    server_id: UUID,
    name: str,
    url: str,
    fingerprint: bytes,
) -> None:
    """Raise `NameTakenError`, or `ConflictError` for an id that is taken."""
    try:
        await transaction.execute(
            """
            INSERT INTO mcp_server (org_id, id, submission_fingerprint, name, url)
            VALUES ($1, $2, $3, $4, $5)
            """,
            org_id,
            server_id,
            fingerprint,
            name,
            url,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "mcp_server_name_unique":
            raise NameTakenError(f'An MCP server is named "{name}" already.') from error
        raise ConflictError(
            f"An MCP server with the id {server_id} exists already."
        ) from error


async def put_token(
    transaction: Transaction, server_id: UUID, token: NewToken | None, *, version: int
) -> None:
    """Make *token*, or none, that of the row's *version*; the one before it is gone."""
    await transaction.execute(
        """
        UPDATE mcp_server
        SET version = $2, token_version = $3, token_hint = $4, encrypted_key = $5,
            encrypted_dek = $6, master_key_id = $7, updated_at = now()
        WHERE id = $1
        """,
        server_id,
        version,
        token and version,
        token and token.hint,
        token and token.sealed.encrypted_key,
        token and token.sealed.encrypted_dek,
        token and token.sealed.master_key_id,
    )


async def mcp_server(transaction: Transaction, server_id: UUID) -> McpServer:
    """Read a server. Raises `McpServerNotFoundError`."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM mcp_server s WHERE s.id = $1",  # noqa: S608 - our own
        server_id,
    )
    return _found(row, server_id)


async def lock_mcp_server(transaction: Transaction, server_id: UUID) -> McpServer:
    """Read a server, and keep changes, claims and leases of it waiting."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM mcp_server s WHERE s.id = $1 FOR UPDATE",  # noqa: S608 - our own
        server_id,
    )
    return _found(row, server_id)


async def mcp_servers(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[McpServer]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM mcp_server s
        WHERE $1::uuid IS NULL OR s.id < $1
        ORDER BY s.id DESC
        LIMIT $2
        """,  # noqa: S608 - our own columns
        before,
        limit,
    )
    return [McpServer(**row) for row in rows]


async def mcp_fingerprint_of(transaction: Transaction, server_id: UUID) -> bytes | None:
    """Return the fingerprint of the submission that made the row; None for no row."""
    fingerprint: bytes | None = await transaction.fetchval(
        "SELECT submission_fingerprint FROM mcp_server WHERE id = $1", server_id
    )
    return fingerprint


async def remove_mcp_server(transaction: Transaction, server_id: UUID) -> None:
    """Remove a locked server with its token; the database refuses one in use."""
    await transaction.execute("DELETE FROM mcp_server WHERE id = $1", server_id)


async def agents_using_mcp_server(
    transaction: Transaction, server_id: UUID
) -> list[UsingAgent]:
    """List the agents that depend on a server, by name."""
    rows = await transaction.fetch(
        """
        SELECT c.agent_id, c.agent_name
        FROM mcp_use u
        JOIN use_claim c ON c.org_id = u.org_id AND c.agent_id = u.agent_id
        WHERE u.server_id = $1
        ORDER BY c.agent_name, c.agent_id
        """,
        server_id,
    )
    return [UsingAgent(row["agent_id"], row["agent_name"]) for row in rows]


async def set_mcp_uses(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_id: UUID,
    server_ids: Sequence[UUID],
) -> bool:
    """Let an agent depend on exactly *server_ids*; tell whether that is new.

    Raises `McpServerGoneError`.
    """
    dropped = await transaction.fetch(
        """
        DELETE FROM mcp_use
        WHERE agent_id = $1 AND server_id <> ALL($2::uuid[])
        RETURNING server_id
        """,
        agent_id,
        server_ids,
    )
    try:
        added = await transaction.fetch(
            """
            INSERT INTO mcp_use (org_id, agent_id, server_id)
            SELECT DISTINCT $1::uuid, $2::uuid, server_id
            FROM unnest($3::uuid[]) AS server_id
            ON CONFLICT (org_id, agent_id, server_id) DO NOTHING
            RETURNING server_id
            """,
            org_id,
            agent_id,
            server_ids,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise McpServerGoneError(
            f"An MCP server that agent {agent_id} needs does not exist any more."
        ) from error
    return bool(dropped or added)


async def stored_mcp_server(
    transaction: Transaction, server_id: UUID
) -> StoredMcpServer | None:
    """Read a server and its sealed token; neither changes until the end."""
    row = await transaction.fetchrow(
        f"SELECT {_STORED} FROM mcp_server s WHERE s.id = $1 FOR SHARE",  # noqa: S608 - our own
        server_id,
    )
    return None if row is None else _stored(row)


async def used_mcp_server(
    transaction: Transaction, server_id: UUID, *, agent_id: UUID
) -> StoredMcpServer | None:
    """Read a server if the agent uses it; the use stays until the transaction ends."""
    row = await transaction.fetchrow(
        f"""
        SELECT {_STORED}
        FROM mcp_use u
        JOIN mcp_server s ON s.org_id = u.org_id AND s.id = u.server_id
        WHERE u.agent_id = $1 AND u.server_id = $2
        FOR SHARE OF u, s
        """,  # noqa: S608 - our own columns
        agent_id,
        server_id,
    )
    return None if row is None else _stored(row)


async def add_mcp_lease(transaction: Transaction, lease: McpLease) -> bool:
    """Store a lease; False if its nonce was seen before."""
    added: bool | None = await transaction.fetchval(
        """
        INSERT INTO mcp_lease (
            org_id, id, server_id, agent_id, runner, nonce, granted_at, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT mcp_lease_nonce_unique DO NOTHING
        RETURNING true
        """,
        lease.org_id,
        lease.id,
        lease.server_id,
        lease.agent_id,
        lease.runner,
        lease.nonce,
        lease.granted_at,
        lease.expires_at,
    )
    return bool(added)


async def forget_mcp_leases(
    transaction: Transaction, *, expired_before: datetime
) -> None:
    """Drop leases of all organizations; what they were is in the audit."""
    await transaction.execute(
        "DELETE FROM mcp_lease WHERE expires_at < $1", expired_before
    )


def _found(row: asyncpg.Record | None, server_id: UUID) -> McpServer:
    if row is None:
        raise McpServerNotFoundError(f"There is no MCP server {server_id}.")
    return McpServer(**row)


def _stored(row: asyncpg.Record) -> StoredMcpServer:
    columns = dict(row)
    sealed = {
        name: columns.pop(name)
        for name in ("encrypted_key", "encrypted_dek", "master_key_id")
    }
    org_id, token_version = columns.pop("org_id"), columns.pop("token_version")
    server = McpServer(**columns)
    return StoredMcpServer(
        server,
        McpServerContext(org_id, server.id, token_version or 0, origin_of(server.url)),
        SealedSecret(**sealed) if server.has_token else None,
    )
