"""`/mcp-servers`: where tools of agents may come from, and which are approved."""

from http import HTTPStatus

from pydantic import Field

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery
from gateway.submissions import sealed_mcp_server
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.mcp_servers import (
    CREATE_MCP_SERVER,
    GET_MCP_SERVER,
    LIST_MCP_SERVERS,
    UPDATE_MCP_SERVER,
    CreateMcpServer,
    McpServer,
    McpServerPatch,
    McpServerQuestion,
    McpServerSubmission,
    UpdateMcpServer,
)
from shared.contracts.mcp_tools import (
    APPROVE_MCP_TOOLS,
    DELETE_MCP_SERVER,
    LIST_MCP_TOOLS,
    WITHDRAW_MCP_TOOLS,
    ApproveMcpTools,
    McpToolName,
    McpTools,
    McpToolShown,
    WithdrawMcpTools,
)
from shared.errors import (
    ConflictError,
    CredentialsFrozenError,
    LeaseRefusedError,
    MasterKeyUnavailableError,
    McpServerCallFailedError,
    McpServerInUseError,
    McpServerNotFoundError,
    McpToolChangedError,
    McpUrlForbiddenError,
    NameTakenError,
    PreconditionFailedError,
)
from shared.identity import PublicIdentity

__all__ = ["McpServerRoutes"]

_OF_LEASES = (CredentialsFrozenError, LeaseRefusedError, MasterKeyUnavailableError)


class McpApproval(Input):
    """The tools that are approved, each as it was shown: all of them or none."""

    tools: list[McpToolShown] = Field(min_length=1, max_length=100)


class McpWithdrawal(Input):
    """Whose approval is taken back."""

    tools: list[McpToolName] = Field(min_length=1, max_length=100)


class McpServerRoutes:
    """*credentials* is whom tokens are sealed to."""

    def __init__(self, bus: Bus, *, credentials: PublicIdentity) -> None:
        self._bus = bus
        self._credentials = credentials

    @operation("GET /mcp-servers", needs=Permission.MCP_SERVERS_READ)
    async def list_mcp_servers(self, asked: Asked, query: PageQuery) -> Page[McpServer]:
        """List MCP servers, newest first."""
        return await self._bus.ask(LIST_MCP_SERVERS, asked.page(query))

    @operation(
        "POST /mcp-servers",
        needs=Permission.MCP_SERVERS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(
            ConflictError,
            MasterKeyUnavailableError,
            McpUrlForbiddenError,
            NameTakenError,
        ),
    )
    async def create_mcp_server(
        self, asked: Asked, body: McpServerSubmission
    ) -> McpServer:
        """Add an MCP server; its token is stored encrypted and never shown again.

        Agents have none of its tools before somebody approves them. Another URL or
        name is another server.
        """
        question = CreateMcpServer(
            org_id=asked.org_id,
            actor=asked.actor,
            server_id=asked.new_id,
            sealed=sealed_mcp_server(
                self._credentials, body, org_id=asked.org_id, server_id=asked.new_id
            ),
        )
        return await self._bus.ask(CREATE_MCP_SERVER, question)

    @operation(
        "GET /mcp-servers/{id}",
        needs=Permission.MCP_SERVERS_READ,
        missing=McpServerNotFoundError,
    )
    async def get_mcp_server(self, asked: Asked) -> McpServer:
        """Show an MCP server, without its token."""
        return await self._bus.ask(GET_MCP_SERVER, _question(asked))

    @operation(
        "PATCH /mcp-servers/{id}",
        needs=Permission.MCP_SERVERS_WRITE,
        errors=(MasterKeyUnavailableError, PreconditionFailedError),
        missing=McpServerNotFoundError,
    )
    async def update_mcp_server(
        self, asked: Asked, body: McpServerPatch, if_version: int | None
    ) -> McpServer:
        """Give an MCP server another token, or none (null); runners use it at once."""
        question = UpdateMcpServer(
            org_id=asked.org_id,
            actor=asked.actor,
            server_id=asked.id,
            sealed=sealed_mcp_server(
                self._credentials, body, org_id=asked.org_id, server_id=asked.id
            ),
            if_version=if_version,
        )
        return await self._bus.ask(UPDATE_MCP_SERVER, question)

    @operation(
        "DELETE /mcp-servers/{id}",
        needs=Permission.MCP_SERVERS_WRITE,
        errors=(McpServerInUseError,),
        missing=McpServerNotFoundError,
    )
    async def delete_mcp_server(self, asked: Asked) -> None:
        """Delete an MCP server with its token and all approvals of its tools."""
        await self._bus.ask(DELETE_MCP_SERVER, _question(asked))

    @operation(
        "GET /mcp-servers/{id}/tools",
        needs=Permission.MCP_SERVERS_READ,
        errors=(*_OF_LEASES, McpServerCallFailedError),
        missing=McpServerNotFoundError,
    )
    async def list_mcp_tools(self, asked: Asked) -> McpTools:
        """Ask the server for its tools, and compare them with what was approved.

        All at once. Of a tool that has changed `diff` shows how; agents have it again
        when the change is approved. If the server cannot be asked, `explanation` says
        why, and what was approved is listed.
        """
        return await self._bus.ask(LIST_MCP_TOOLS, _question(asked))

    @operation(
        "POST /mcp-servers/{id}/tools/approve",
        needs=Permission.MCP_SERVERS_WRITE,
        errors=(*_OF_LEASES, McpServerCallFailedError, McpToolChangedError),
        missing=McpServerNotFoundError,
    )
    async def approve_mcp_tools(self, asked: Asked, body: McpApproval) -> McpTools:
        """Approve tools as they were shown, by the fingerprints that were.

        The server is asked again: what it describes otherwise by now is not approved.
        """
        question = ApproveMcpTools(
            org_id=asked.org_id,
            actor=asked.actor,
            server_id=asked.id,
            tools=body.tools,
        )
        return await self._bus.ask(APPROVE_MCP_TOOLS, question)

    @operation(
        "POST /mcp-servers/{id}/tools/withdraw",
        needs=Permission.MCP_SERVERS_WRITE,
        missing=McpServerNotFoundError,
    )
    async def withdraw_mcp_tools(self, asked: Asked, body: McpWithdrawal) -> None:
        """Take approvals back: agents cannot call these tools from now on."""
        question = WithdrawMcpTools(
            org_id=asked.org_id,
            actor=asked.actor,
            server_id=asked.id,
            names=body.tools,
        )
        await self._bus.ask(WITHDRAW_MCP_TOOLS, question)


def _question(asked: Asked) -> McpServerQuestion:
    return McpServerQuestion(org_id=asked.org_id, actor=asked.actor, server_id=asked.id)
