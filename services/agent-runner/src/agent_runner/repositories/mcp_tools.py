"""The approved tools of MCP servers in PostgreSQL."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.mcp_tools import McpToolDefinition
from shared.database import Transaction
from shared.errors import InvalidError
from shared.ids import new_id
from shared.twins import wait_for_twins

__all__ = [
    "ApprovedTool",
    "NewApproval",
    "approve",
    "approved_tools",
    "forget_server",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class NewApproval:
    """A tool as somebody approves it; *told_as* is what models call it."""

    org_id: UUID
    server_id: UUID
    name: str
    told_as: str
    definition: McpToolDefinition
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ApprovedTool:
    server_id: UUID
    name: str
    told_as: str
    definition: McpToolDefinition
    fingerprint: str
    approved_at: datetime


async def approve(transaction: Transaction, approval: NewApproval) -> UUID:
    """Put an approval in the place of an earlier one; return the tool's id.

    Who approves or withdraws tools of the server at once waits, whatever the order.
    Raises `InvalidError` for what would be called like another tool of its server.
    """
    await wait_for_twins(transaction, approval.server_id)
    try:
        return await _put(transaction, approval)
    except asyncpg.UniqueViolationError as error:
        raise InvalidError(
            f"The tool {approval.name} cannot be approved: models would know it as "
            f"{approval.told_as}, like another one."
        ) from error


async def approved_tools(
    transaction: Transaction, server_ids: Collection[UUID]
) -> list[ApprovedTool]:
    """Read what is approved of some servers, by the names that models know."""
    rows = await transaction.fetch(
        """
        SELECT server_id, name, told_as, description, input_schema, fingerprint,
               approved_at
        FROM mcp_tool
        WHERE server_id = ANY($1::uuid[])
        ORDER BY told_as
        """,
        [*server_ids],
    )
    return [_approved(row) for row in rows]


async def withdraw(
    transaction: Transaction, server_id: UUID, names: Collection[str]
) -> list[UUID]:
    """Take approvals back; return the ids of the tools that had one."""
    await wait_for_twins(transaction, server_id)
    rows = await transaction.fetch(
        """
        DELETE FROM mcp_tool
        WHERE server_id = $1 AND name = ANY($2::text[])
        RETURNING id
        """,
        server_id,
        [*names],
    )
    return [row["id"] for row in rows]


async def forget_server(transaction: Transaction, server_id: UUID) -> None:
    await wait_for_twins(transaction, server_id)
    await transaction.execute("DELETE FROM mcp_tool WHERE server_id = $1", server_id)


async def _put(transaction: Transaction, approval: NewApproval) -> UUID:
    tool_id: UUID = await transaction.fetchval(
        """
        INSERT INTO mcp_tool (
            org_id, id, server_id, name, told_as, description, input_schema, fingerprint
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT mcp_tool_name_unique DO UPDATE
        SET description = excluded.description,
            input_schema = excluded.input_schema,
            fingerprint = excluded.fingerprint,
            approved_at = excluded.approved_at
        RETURNING id
        """,
        approval.org_id,
        new_id(),
        approval.server_id,
        approval.name,
        approval.told_as,
        approval.definition.description,
        approval.definition.input_schema,
        approval.fingerprint,
    )
    return tool_id


def _approved(row: asyncpg.Record) -> ApprovedTool:
    return ApprovedTool(
        server_id=row["server_id"],
        name=row["name"],
        told_as=row["told_as"],
        definition=McpToolDefinition(
            description=row["description"], input_schema=row["input_schema"]
        ),
        fingerprint=row["fingerprint"],
        approved_at=row["approved_at"],
    )
