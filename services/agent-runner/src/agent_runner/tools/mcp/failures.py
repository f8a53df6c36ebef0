"""What goes wrong with an MCP server; the texts are sentences of ours."""

from shared.guarded_http import OutgoingError

__all__ = ["McpFailedError", "McpRefusedError", "McpToolFailedError"]


class McpFailedError(OutgoingError):
    """The server did not answer as MCP says, or not within what is taken of it."""


class McpRefusedError(McpFailedError):
    """The server does not take the token, or wants one."""


class McpToolFailedError(OutgoingError):
    """The server ran the tool and says that it failed; the text is the server's."""
