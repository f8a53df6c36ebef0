"""The tools that an agent type gives to its agents, and that the runner runs."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from .base import Message
from .mcp_tools import McpToolName

__all__ = [
    "CurrentTimeTool",
    "HttpMethod",
    "HttpRequestTool",
    "McpServerTools",
    "Tool",
    "ToolSubmission",
]

HttpMethod = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ToolHost = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^(\*\.)?([a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?$",
    ),
]


class CurrentTimeTool(Message):
    """Tells the time of day, in any time zone."""

    name: Literal["current_time"]


class HttpRequestTool(Message):
    """Asks a URL that the model chooses.

    *hosts* are those it may ask: `api.example.com`, or `*.example.com` for what lies
    below; on the usual ports, or the one that is named. Without them it may ask any;
    that takes sealed delivery. *timeout_seconds* is for all of a request, its redirects
    included. A longer request is refused, a longer response cut short.
    """

    name: Literal["http_request"]
    methods: list[HttpMethod] = Field(default=["GET"], min_length=1, max_length=6)
    hosts: list[ToolHost] | None = Field(default=None, min_length=1, max_length=100)
    max_request_bytes: int = Field(default=64 * 1024, ge=0, le=1024 * 1024)
    max_response_bytes: int = Field(default=32 * 1024, ge=1, le=1024 * 1024)
    timeout_seconds: float = Field(default=10, gt=0, le=60)


class McpServerTools(Message):
    """The approved tools of an MCP server, or those of them that *tools* names.

    *timeout_seconds* is for all of a call. A longer answer is cut short.
    """

    name: Literal["mcp"]
    server_id: UUID
    tools: list[McpToolName] | None = Field(default=None, min_length=1, max_length=100)
    max_response_bytes: int = Field(default=32 * 1024, ge=1, le=512 * 1024)
    timeout_seconds: float = Field(default=30, gt=0, le=60)

    def includes(self, tool: str) -> bool:
        return self.tools is None or tool in self.tools


Tool = Annotated[
    CurrentTimeTool | HttpRequestTool | McpServerTools, Field(discriminator="name")
]

ToolName = Literal["current_time", "http_request"]


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


ToolSubmission = Annotated[
    Tool, BeforeValidator(_named, json_schema_input_type=ToolName | Tool)
]
"""A tool as it is given: its name alone stands for all that is usual."""
