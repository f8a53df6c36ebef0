"""An MCP server as it is leased."""

from uuid import UUID

from pydantic import SecretStr

from shared.contracts.mcp_servers import LeasedMcpServer

__all__ = ["TOKEN", "leased"]

TOKEN = "a-token-of-the-server-0123456789"


def leased(url: str) -> LeasedMcpServer:
    return LeasedMcpServer(
        server_id=UUID(int=1),
        name="oracle",
        url=url,
        token=SecretStr(TOKEN),
        version=1,
    )
