"""Which tools of an MCP server agents may have: those that somebody has approved.

Approved is a description: name, text and schema, as a model is told them. What a server
describes otherwise later is not run until it is approved anew.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from .base import Empty, Endpoint, Explanation, Message, Page, Question, Service
from .mcp_servers import McpServerQuestion

__all__ = [
    "APPROVE_MCP_TOOLS",
    "DELETE_MCP_SERVER",
    "LIST_MCP_TOOLS",
    "WITHDRAW_MCP_TOOLS",
    "ApproveMcpTools",
    "McpTool",
    "McpToolDefinition",
    "McpToolName",
    "McpToolShown",
    "McpToolStatus",
    "McpTools",
    "WithdrawMcpTools",
]

McpToolName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A tool's name, as its server has it."""


class McpToolStatus(StrEnum):
    """What a tool is to agents.

    `approved`: they may have it. `changed`: its server describes it otherwise than it
    was approved, and it is not run. `new`: nobody has approved it. `gone`: its server
    does not list it any more. `unusable`: it cannot be approved as it is.
    """

    NEW = "new"
    APPROVED = "approved"
    CHANGED = "changed"
    GONE = "gone"
    UNUSABLE = "unusable"


class McpToolDefinition(Message):
    """All that a model is told of a tool, but for its name."""

    description: str
    input_schema: dict[str, JsonValue]


class McpTool(Message):
    """A tool, as its server describes it now; if it does not, as it was approved.

    Models know it as *told_as*. *fingerprint* is that of *definition*, and what an
    approval names. *diff* has the lines of a unified diff, from what was approved to
    what the server says now. *problem* says why it is `unusable`.
    """

    name: str
    told_as: str
    status: McpToolStatus
    definition: McpToolDefinition | None = None
    fingerprint: str | None = None
    diff: list[str] = Field(default_factory=list)
    problem: str | None = None
    approved_at: AwareDatetime | None = None


class McpTools(Page[McpTool]):
    """All tools of a server at once.

    *explanation* says why the server could not be asked; what is listed then are those
    that were approved.
    """

    explanation: Explanation | None = None


class McpToolShown(Message):
    """A tool as somebody has seen it, and approves it."""

    name: McpToolName
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")


class ApproveMcpTools(Question):
    """Approve tools, all or none, if their server still describes them like that."""

    server_id: UUID
    tools: list[McpToolShown] = Field(min_length=1, max_length=100)


class WithdrawMcpTools(Question):
    """Take back the approval of tools; one that was not approved is left alone."""

    server_id: UUID
    names: list[McpToolName] = Field(min_length=1, max_length=100)


_GATEWAY = frozenset({Service.GATEWAY})
_ONE_LOOK = timedelta(seconds=60)
"""Its first half is longer than a runner takes for it, so it is asked again once."""

LIST_MCP_TOOLS = Endpoint(
    "agent_runner.v1.list_mcp_tools",
    McpServerQuestion,
    McpTools,
    askers=_GATEWAY,
    deadline=_ONE_LOOK,
)
APPROVE_MCP_TOOLS = Endpoint(
    "agent_runner.v1.approve_mcp_tools",
    ApproveMcpTools,
    McpTools,
    askers=_GATEWAY,
    deadline=_ONE_LOOK,
)
WITHDRAW_MCP_TOOLS = Endpoint(
    "agent_runner.v1.withdraw_mcp_tools", WithdrawMcpTools, Empty, askers=_GATEWAY
)
DELETE_MCP_SERVER = Endpoint(
    "agent_runner.v1.delete_mcp_server",
    McpServerQuestion,
    Empty,
    askers=_GATEWAY,
    deadline=timedelta(seconds=10),
)
