"""Somebody who looks at the tools of an MCP server, and approves them."""

from typing import Any

from pydantic import SecretStr
from tests.integration.agent_runner.runner_house import ACTOR, House

from shared.contracts.mcp_servers import LeasedMcpServer, McpServerQuestion
from shared.contracts.mcp_tools import (
    APPROVE_MCP_TOOLS,
    DELETE_MCP_SERVER,
    LIST_MCP_TOOLS,
    WITHDRAW_MCP_TOOLS,
    ApproveMcpTools,
    McpTool,
    McpTools,
    McpToolShown,
    WithdrawMcpTools,
)
from shared.ids import new_id

__all__ = ["TOKEN", "Approver"]

TOKEN = "mcp-token-of-a-test-0123456789"


class Approver:
    """Somebody who looks at the tools of a server, and approves them."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.id = new_id()
        house.credentials.mcp_servers[self.id] = LeasedMcpServer(
            server_id=self.id,
            name="tickets",
            url=url,
            token=SecretStr(TOKEN),
            version=1,
        )

    @property
    def tool(self) -> dict[str, Any]:
        return {"name": "mcp", "server_id": str(self.id)}

    async def look(self) -> McpTools:
        return await self.house.bus.ask(LIST_MCP_TOOLS, self._question)

    async def approve(self, *shown: McpTool) -> McpTools:
        tools = [
            McpToolShown(name=each.name, fingerprint=each.fingerprint or "")
            for each in shown
        ]
        question = ApproveMcpTools(
            org_id=self.house.org_id, actor=ACTOR, server_id=self.id, tools=tools
        )
        return await self.house.bus.ask(APPROVE_MCP_TOOLS, question)

    async def approve_all(self) -> McpTools:
        return await self.approve(*(await self.look()).data)

    async def withdraw(self, *names: str) -> None:
        question = WithdrawMcpTools(
            org_id=self.house.org_id, actor=ACTOR, server_id=self.id, names=[*names]
        )
        await self.house.bus.ask(WITHDRAW_MCP_TOOLS, question)

    async def delete(self) -> None:
        await self.house.bus.ask(DELETE_MCP_SERVER, self._question)

    @property
    def _question(self) -> McpServerQuestion:
        return McpServerQuestion(
            org_id=self.house.org_id, actor=ACTOR, server_id=self.id
        )
