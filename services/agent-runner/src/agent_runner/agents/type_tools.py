"""Whether the tools of an agent type are such that its agents may have them."""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from pydantic import JsonValue

from agent_runner.tools.destinations import needs_hosts, problem_of_host
from shared.addresses import AddressKind
from shared.contracts.agent_types import (
    AgentRuntime,
    AgentTypeSubmission,
    CredentialDelivery,
)
from shared.contracts.mcp_servers import McpServer
from shared.contracts.tools import HttpRequestTool, McpServerTools
from shared.errors import InvalidError
from shared.web_addresses import web_address

__all__ = ["require_fitting_tools"]

_HOSTS_MISSING = (
    "must name hosts: agents have a provider's key, or tools reach private networks"
)


def require_fitting_tools(
    submission: AgentTypeSubmission,
    base_urls: Collection[str],
    servers: Mapping[UUID, McpServer],
    *,
    allow_private: bool,
) -> None:
    """Raise `InvalidError` that names each field which cannot be as it is.

    *base_urls* are those of the type's providers, *servers* those of its MCP servers
    that there are.
    """
    problems = [
        *_problems(submission, base_urls, allow_private=allow_private),
        *_problems_of_servers(submission, servers, allow_private=allow_private),
    ]
    if problems:
        fields: list[JsonValue] = [
            {"field": field, "message": message} for field, message in problems
        ]
        raise InvalidError(
            "The agent type cannot have these tools.", details={"fields": fields}
        )


def _problems(
    submission: AgentTypeSubmission, base_urls: Collection[str], *, allow_private: bool
) -> Iterator[tuple[str, str]]:
    if submission.tools and submission.runtime is AgentRuntime.EXTERNAL:
        yield "tools", "means nothing: external agents run their tools themselves"
        return
    delivery = submission.credential_delivery or CredentialDelivery.ENVIRONMENT
    hosts_are_needed = needs_hosts(delivery, allow_private=allow_private)
    seen: set[str | UUID] = set()
    for index, tool in enumerate(submission.tools):
        field = f"tools.{index}"
        key = tool.server_id if isinstance(tool, McpServerTools) else tool.name
        if key in seen:
            yield field, "is there already"
        seen.add(key)
        if isinstance(tool, HttpRequestTool):
            if tool.hosts is None and hosts_are_needed:
                yield f"{field}.hosts", _HOSTS_MISSING
            for place, host in enumerate(tool.hosts or ()):
                if problem := problem_of_host(
                    host, base_urls, allow_private=allow_private
                ):
                    yield f"{field}.hosts.{place}", problem


def _problems_of_servers(
    submission: AgentTypeSubmission,
    servers: Mapping[UUID, McpServer],
    *,
    allow_private: bool,
) -> Iterator[tuple[str, str]]:
    for index, tool in enumerate(submission.tools):
        if not isinstance(tool, McpServerTools):
            continue
        field = f"tools.{index}.server_id"
        server = servers.get(tool.server_id)
        if server is None:
            yield field, "is of no MCP server"
        elif web_address(server.url).kind is AddressKind.PRIVATE and not allow_private:
            yield field, "lies in a private network, which tools may not reach here"
