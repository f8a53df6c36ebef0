"""What a person is shown of a server's tools: as they are, beside what was approved."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from agent_runner.repositories.mcp_tools import ApprovedTool
from shared.contracts.mcp_tools import McpTool, McpToolDefinition, McpToolStatus

from .pinning import definition_in, difference, fingerprint_of, problem_of, told_as

if TYPE_CHECKING:
    from mcp_types import Tool

__all__ = ["shown", "shown_as_approved"]

_LONGEST_NAME = 128


def shown(
    server_name: str, listed: Sequence["Tool"], approved: Mapping[str, ApprovedTool]
) -> list[McpTool]:
    """Pair what is listed with what was approved, by the names models know."""
    tools = [*_listed(server_name, listed, approved)]
    there = {each.name for each in tools}
    tools += (
        shown_as_approved(tool, McpToolStatus.GONE)
        for name, tool in approved.items()
        if name not in there
    )
    return sorted(tools, key=lambda each: each.told_as)


def shown_as_approved(
    tool: ApprovedTool, status: McpToolStatus = McpToolStatus.APPROVED
) -> McpTool:
    """Show a tool of which nothing else is known now."""
    return McpTool(
        name=tool.name,
        told_as=tool.told_as,
        status=status,
        definition=tool.definition,
        fingerprint=tool.fingerprint,
        approved_at=tool.approved_at,
    )


def _listed(
    server_name: str, listed: Sequence["Tool"], approved: Mapping[str, ApprovedTool]
) -> Iterator[McpTool]:
    times = Counter(each.name for each in listed)
    for tool in {each.name: each for each in listed}.values():
        yield _one(
            server_name,
            tool,
            approved.get(tool.name),
            is_ambiguous=times[tool.name] > 1,
        )


def _one(
    server_name: str, tool: "Tool", approved: ApprovedTool | None, *, is_ambiguous: bool
) -> McpTool:
    definition = definition_in(tool)
    problem = problem_of(tool.name, definition)
    if is_ambiguous:
        problem = "The server lists two tools of this name."
    told = McpTool(
        name=tool.name[:_LONGEST_NAME],
        told_as=told_as(server_name, tool.name),
        status=McpToolStatus.UNUSABLE,
        problem=problem,
        approved_at=approved and approved.approved_at,
    )
    if problem is not None or definition is None:
        return told
    fingerprint = fingerprint_of(tool.name, definition)
    return told.model_copy(
        update={
            "status": _status(fingerprint, approved),
            "definition": definition,
            "fingerprint": fingerprint,
            "diff": _diff(definition, approved, fingerprint),
        }
    )


def _status(fingerprint: str, approved: ApprovedTool | None) -> McpToolStatus:
    if approved is None:
        return McpToolStatus.NEW
    is_same = approved.fingerprint == fingerprint
    return McpToolStatus.APPROVED if is_same else McpToolStatus.CHANGED


def _diff(
    definition: McpToolDefinition, approved: ApprovedTool | None, fingerprint: str
) -> list[str]:
    if approved is None or approved.fingerprint == fingerprint:
        return []
    return difference(approved.definition, definition)
