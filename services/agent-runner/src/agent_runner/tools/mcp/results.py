"""What a model reads of what a tool of an MCP server gave. Pure."""

from mcp_types import (
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    TextContent,
    TextResourceContents,
)
from pydantic_core import to_json

__all__ = ["text_of"]

_CUT = "\n[The answer was longer; this is its beginning.]"


def text_of(result: CallToolResult, *, most_bytes: int) -> str:
    """Join the text of it; whatever else there is, is named and left out."""
    told = "\n".join(map(_told, result.content))
    if not result.content and result.structured_content is not None:
        told = to_json(result.structured_content).decode()
    encoded = told.encode(errors="replace")
    if len(encoded) <= most_bytes:
        return encoded.decode()
    return encoded[:most_bytes].decode(errors="ignore") + _CUT


def _told(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case _:
            return f"[Left out: {block.type}]"
