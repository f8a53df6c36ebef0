"""The tools that agents have of MCP servers: told as approved, and called like that."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import JsonValue

from agent_runner.hosted_agents import HostedAgent
from agent_runner.masking import SecretMask
from agent_runner.repositories import mcp_tools as repository
from agent_runner.repositories.mcp_tools import ApprovedTool
from agent_runner.tools.definitions import Definition
from agent_runner.tools.outgoing_secrets import holds_secret
from agent_runner.tools.refusals import refused
from shared.contracts.agent_types import AgentType
from shared.contracts.mcp_servers import LeasedMcpServer
from shared.contracts.tools import McpServerTools
from shared.database import Database
from shared.errors import (
    McpToolChangedError,
    ToolArgumentsInvalidError,
    ToolDestinationForbiddenError,
    ToolSecretRefusedError,
)
from shared.guarded_http import (
    AnswerTimedOutError,
    DestinationForbiddenError,
    GuardedHttp,
)

from .failures import McpRefusedError, McpToolFailedError
from .leased_servers import LeasedServers
from .pinning import definition_in, fingerprint_of

if TYPE_CHECKING:
    from mcp_types import Tool

    from .conversation import Conversation

__all__ = ["McpCall", "McpTools"]

_LONGEST_ARGUMENTS_BYTES = 64 * 1024


class McpTools:
    def __init__(
        self, *, database: Database, http: GuardedHttp, servers: LeasedServers
    ) -> None:
        self._database = database
        self._http = http
        self._servers = servers

    async def definitions(
        self, org_id: UUID, agent_type: AgentType
    ) -> list[Definition]:
        """Tell what a model may call, as it was approved; no server is asked."""
        return [
            Definition(
                name=tool.told_as,
                description=tool.definition.description,
                parameters=tool.definition.input_schema,
            )
            for _, tool in await self._of(org_id, agent_type)
        ]

    async def judged(
        self, agent: HostedAgent, name: str, arguments: dict[str, JsonValue]
    ) -> "McpCall | None":
        """Judge a call before anything is sent; None if no server has such a tool.

        Raises `ToolArgumentsInvalidError`, `ToolSecretRefusedError`, and what a lease
        does.
        """
        found = await self._of(agent.org_id, agent.agent_type)
        named = next((each for each in found if each[1].told_as == name), None)
        if named is None:
            return None
        configured, tool = named
        server = await self._servers.of(
            org_id=agent.org_id, agent_id=agent.id, server_id=tool.server_id
        )
        _require_sendable(arguments, agent, server)
        forget = partial(
            self._servers.forget, agent_id=agent.id, server_id=tool.server_id
        )
        return McpCall(self._http, configured, tool, server, arguments, forget)

    async def _of(
        self, org_id: UUID, agent_type: AgentType
    ) -> list[tuple[McpServerTools, ApprovedTool]]:
        """Pair the tools that a type's agents have with how the type has them."""
        if not agent_type.mcp_server_ids:
            return []
        async with self._database.organization(org_id) as transaction:
            approved = await repository.approved_tools(
                transaction, agent_type.mcp_server_ids
            )
        return [*_had(agent_type, approved)]


@dataclass(frozen=True, slots=True)
class McpCall:
    """A call that may be made."""

    http: GuardedHttp
    configured: McpServerTools
    tool: ApprovedTool
    server: LeasedMcpServer
    arguments: dict[str, JsonValue] = field(repr=False)
    forget_server: Callable[[], None]

    async def run(self) -> str:
        """Call the tool, if its server still describes it as it was approved.

        Raises `McpToolChangedError`, `ToolDestinationForbiddenError`, and an
        `OutgoingError`.
        """
        try:
            return await self._result()
        except TimeoutError as error:
            raise AnswerTimedOutError(
                "There was no whole answer within "
                f"{self.configured.timeout_seconds:g} s."
            ) from error
        except DestinationForbiddenError as error:
            raise refused(ToolDestinationForbiddenError, str(error)) from error
        except McpRefusedError:
            self.forget_server()
            raise

    async def _result(self) -> str:
        # The types of MCP take 4 MB, which a runner without its servers need not have.
        from .conversation import conversing  # noqa: PLC0415 - see above
        from .results import text_of  # noqa: PLC0415 - see above

        within = timedelta(seconds=self.configured.timeout_seconds)
        async with conversing(self.http, self.server, within=within) as conversation:
            await self._require_approved(conversation)
            result = await conversation.call(self.tool.name, self.arguments)
        told = text_of(result, most_bytes=self.configured.max_response_bytes)
        told = SecretMask(_token_of(self.server)).hide(told)
        if result.is_error:
            raise McpToolFailedError(told)
        return told

    async def _require_approved(self, conversation: "Conversation") -> None:
        named = [
            each for each in await conversation.tools() if each.name == self.tool.name
        ]
        if [*map(_fingerprint, named)] != [self.tool.fingerprint]:
            raise refused(
                McpToolChangedError,
                f"The MCP server does not describe {self.tool.told_as} as it was"
                " approved any more.",
            )


def _had(
    agent_type: AgentType, approved: list[ApprovedTool]
) -> Iterator[tuple[McpServerTools, ApprovedTool]]:
    configured = {
        each.server_id: each
        for each in agent_type.tools
        if isinstance(each, McpServerTools)
    }
    for tool in approved:
        of_server = configured[tool.server_id]
        if of_server.includes(tool.name):
            yield of_server, tool


def _fingerprint(tool: "Tool") -> str | None:
    definition = definition_in(tool)
    return None if definition is None else fingerprint_of(tool.name, definition)


def _require_sendable(
    arguments: dict[str, JsonValue], agent: HostedAgent, server: LeasedMcpServer
) -> None:
    text = json.dumps(arguments, ensure_ascii=False)
    if len(text.encode(errors="replace")) > _LONGEST_ARGUMENTS_BYTES:
        raise refused(
            ToolArgumentsInvalidError,
            f"The arguments are longer than {_LONGEST_ARGUMENTS_BYTES} bytes.",
        )
    if holds_secret([text], agent.leased_secrets.union(_token_of(server))):
        raise refused(
            ToolSecretRefusedError, "The arguments hold a secret; they are not sent."
        )


def _token_of(server: LeasedMcpServer) -> list[str]:
    return [] if server.token is None else [server.token.get_secret_value()]
