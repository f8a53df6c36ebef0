"""Use cases of MCP servers: look at their tools, approve them, take that back."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from agent_runner.repositories import mcp_tools as repository
from agent_runner.repositories.audit import note
from agent_runner.repositories.mcp_tools import ApprovedTool, NewApproval
from agent_runner.tools.mcp.failures import McpFailedError
from agent_runner.tools.mcp.leased_servers import LeasedServers
from agent_runner.tools.mcp.showing import shown, shown_as_approved
from shared.bus import Bus
from shared.contracts.base import Empty, Question
from shared.contracts.mcp_servers import (
    GET_MCP_SERVER,
    REMOVE_MCP_SERVER,
    LeasedMcpServer,
    McpServer,
    McpServerQuestion,
)
from shared.contracts.mcp_tools import (
    ApproveMcpTools,
    McpTool,
    McpTools,
    McpToolShown,
    McpToolStatus,
    WithdrawMcpTools,
)
from shared.database import Database
from shared.errors import (
    InvalidError,
    McpServerCallFailedError,
    McpServerNotFoundError,
    McpToolChangedError,
)
from shared.guarded_http import GuardedHttp, OutgoingError
from shared.provider_errors.refusals import explained_refusal

if TYPE_CHECKING:
    from mcp_types import Tool

__all__ = ["McpServers"]

log = structlog.get_logger(__name__)

_LOOKED_WITHIN = timedelta(seconds=20)
_MOST_SHOWN_BYTES = 900 * 1024
"""What one answer on the bus may hold, with room to spare."""


class McpServers:
    """Answered by any runner; *http* is the guarded way out of tools."""

    def __init__(
        self, *, database: Database, bus: Bus, http: GuardedHttp, servers: LeasedServers
    ) -> None:
        self._database = database
        self._bus = bus
        self._http = http
        self._servers = servers

    async def tools(self, question: McpServerQuestion) -> McpTools:
        """Compare what a server lists now with what was approved.

        A server that cannot be asked is a result, too. Raises `McpServerNotFoundError`,
        and what a lease does.
        """
        server = await self._server(question)
        approved = await self._approved(question)
        try:
            listed = await self._listed(question)
        except OutgoingError as error:
            log.info("mcp_server.silent", server=str(server.id))
            return McpTools(
                data=[*map(shown_as_approved, approved.values())],
                explanation=explained_refusal(
                    McpServerCallFailedError.code, str(error)
                ),
            )
        return _page(shown(server.name, listed, approved))

    async def approve(self, question: ApproveMcpTools) -> McpTools:
        """Approve tools as they were seen; runners obey from the next call on.

        Raises `McpToolChangedError` if one is not like that any more, `InvalidError` if
        one cannot be approved, `McpServerNotFoundError`, and
        `McpServerCallFailedError`.
        """
        about = _about(question)
        server = await self._server(about)
        with _explained():
            listed = await self._listed(about)
        now = {each.name: each for each in shown(server.name, listed, {})}
        chosen = [*_chosen(question.tools, now)]
        async with self._database.organization(question.org_id) as transaction:
            for tool in chosen:
                tool_id = await repository.approve(
                    transaction, _approval(question, tool)
                )
                await note(transaction, question, "mcp_tool.approved", tool_id)
        await self._require_not_deleted(about)
        return _page(shown(server.name, listed, await self._approved(about)))

    async def withdraw(self, question: WithdrawMcpTools) -> Empty:
        """Take approvals back, at once. Raises `McpServerNotFoundError`."""
        await self._server(_about(question))
        async with self._database.organization(question.org_id) as transaction:
            withdrawn = await repository.withdraw(
                transaction, question.server_id, question.names
            )
            for tool_id in withdrawn:
                await note(transaction, question, "mcp_tool.withdrawn", tool_id)
        return Empty()

    async def delete(self, question: McpServerQuestion) -> Empty:
        """Delete a server, then what was approved of it; both may be repeated.

        Raises `McpServerInUseError`, and `McpServerNotFoundError`.
        """
        try:
            await self._bus.ask(REMOVE_MCP_SERVER, question)
        except McpServerNotFoundError:
            await self._forget(question)
            raise
        await self._forget(question)
        return Empty()

    async def _require_not_deleted(self, question: McpServerQuestion) -> None:
        """Forget what was approved of a server that was deleted just then.

        Raises `McpServerNotFoundError`. One that is deleted later is so by who forgets.
        """
        try:
            await self._server(question)
        except McpServerNotFoundError:
            await self._forget(question)
            raise

    async def _forget(self, question: McpServerQuestion) -> None:
        async with self._database.organization(question.org_id) as transaction:
            await repository.forget_server(transaction, question.server_id)

    async def _server(self, question: McpServerQuestion) -> McpServer:
        return await self._bus.ask(GET_MCP_SERVER, question)

    async def _approved(self, question: McpServerQuestion) -> dict[str, ApprovedTool]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.approved_tools(transaction, [question.server_id])
        return {each.name: each for each in found}

    async def _listed(self, question: McpServerQuestion) -> "list[Tool]":
        server = await self._servers.once(
            org_id=question.org_id, actor=question.actor, server_id=question.server_id
        )
        try:
            return await _tools_of(self._http, server)
        except TimeoutError as error:
            raise McpFailedError(
                "The MCP server did not list its tools within "
                f"{_LOOKED_WITHIN.total_seconds():g} s."
            ) from error


async def _tools_of(http: GuardedHttp, server: LeasedMcpServer) -> "list[Tool]":
    # Where it is needed, because the types of MCP take 4 MB.
    from agent_runner.tools.mcp.conversation import conversing  # noqa: PLC0415

    async with conversing(http, server, within=_LOOKED_WITHIN) as conversation:
        return await conversation.tools()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OutgoingError as error:
        explanation = explained_refusal(McpServerCallFailedError.code, str(error))
        raise McpServerCallFailedError(
            str(error), details={"explanation": explanation.model_dump(mode="json")}
        ) from error


def _page(tools: list[McpTool]) -> McpTools:
    page = McpTools(data=tools)
    if len(page.model_dump_json().encode()) > _MOST_SHOWN_BYTES:
        with _explained():
            raise McpFailedError("The MCP server describes more than can be shown.")
    return page


def _about(question: Question) -> McpServerQuestion:
    return McpServerQuestion.model_validate(
        question.model_dump(include=set(McpServerQuestion.model_fields))
    )


def _chosen(
    wanted: Iterable[McpToolShown], now: Mapping[str, McpTool]
) -> Iterator[McpTool]:
    for each in wanted:
        tool = now.get(each.name)
        if tool is not None and tool.status is McpToolStatus.UNUSABLE:
            raise InvalidError(
                f"The tool {each.name} cannot be approved. {tool.problem}"
            )
        if tool is None or tool.fingerprint != each.fingerprint:
            message = f"The MCP server describes {each.name} otherwise by now."
            explanation = explained_refusal(McpToolChangedError.code, message)
            raise McpToolChangedError(
                message, details={"explanation": explanation.model_dump(mode="json")}
            )
        yield tool


def _approval(question: ApproveMcpTools, tool: McpTool) -> NewApproval:
    if tool.definition is None or tool.fingerprint is None:
        raise InvalidError(f"The tool {tool.name} cannot be approved.")
    return NewApproval(
        org_id=question.org_id,
        server_id=question.server_id,
        name=tool.name,
        told_as=tool.told_as,
        definition=tool.definition,
        fingerprint=tool.fingerprint,
    )
