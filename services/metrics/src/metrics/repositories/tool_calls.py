"""Tool calls, read from PostgreSQL within one organization."""

from typing import Protocol
from uuid import UUID

import asyncpg

from shared.contracts.metrics import ToolCall, ToolCallsQuestion
from shared.database import Database
from shared.provider_errors.tool_failures import explained_tool_call

from .places import Place, conditions_of

__all__ = ["PostgresToolCalls", "ToolCallsRepository"]

_COLUMNS = """
    tool_call_id, org_id, agent_id, agent_type_id, message_id, tool, status, code,
    started_at, duration_ms, recorded_at
"""


class ToolCallsRepository(Protocol):
    async def newest(
        self, question: ToolCallsQuestion, *, below: Place | None, limit: int
    ) -> list[ToolCall]:
        """List at most *limit* of them, started last first, in places below *below*."""

    async def find(self, org_id: UUID, tool_call_id: UUID) -> ToolCall | None: ...


class PostgresToolCalls:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, question: ToolCallsQuestion, *, below: Place | None, limit: int
    ) -> list[ToolCall]:
        conditions, arguments = conditions_of(
            {
                "started_at >= {}": question.since,
                "started_at < {}": question.until,
                "(started_at, tool_call_id) < ({}, {})": below,
                "agent_id = {}": question.agent_id,
                "agent_type_id = {}": question.agent_type_id,
                "message_id = {}": question.message_id,
                "tool = {}": question.tool,
                "status = {}": question.status,
                "code = {}": question.code,
            }
        )
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM tool_call
                WHERE {conditions}
                ORDER BY started_at DESC, tool_call_id DESC
                LIMIT ${len(arguments) + 1}
                """,  # noqa: S608 - columns and conditions of our own
                *arguments,
                limit,
            )
        return [_tool_call(row) for row in rows]

    async def find(self, org_id: UUID, tool_call_id: UUID) -> ToolCall | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"SELECT {_COLUMNS} FROM tool_call WHERE tool_call_id = $1",  # noqa: S608 - our columns
                tool_call_id,
            )
        return None if row is None else _tool_call(row)


def _tool_call(row: asyncpg.Record) -> ToolCall:
    code = row["code"]
    return ToolCall(**dict(row), explanation=code and explained_tool_call(code))
