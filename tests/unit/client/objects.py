"""Objects as the API answers them: of every field its description names, some value."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

__all__ = [
    "AGENT_ID",
    "AGENT_JSON",
    "MESSAGE_ID",
    "MESSAGE_JSON",
    "PROVIDER_JSON",
    "page_of",
    "sample",
]

AGENT_ID = UUID("0199aaaa-0000-7000-8000-000000000001")
MESSAGE_ID = UUID("0199aaaa-0000-7000-8000-000000000002")

_COPY = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"
_SCHEMAS = json.loads(_COPY.read_text())["components"]["schemas"]
_AT = "2026-11-29T00:00:00Z"
_VALUES: dict[str, Any] = {
    "uuid": str(AGENT_ID),
    "date-time": _AT,
    "string": "word",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
}


def sample(name: str, /, **said: Any) -> dict[str, Any]:
    properties = _SCHEMAS[name]["properties"]
    return {key: _value(each) for key, each in properties.items()} | said


def _value(schema: dict[str, Any]) -> Any:
    """Return what is allowed; nothing, where that is allowed."""
    match schema:
        case {"anyOf": _} | {"type": "null"}:
            return None
        case {"$ref": reference}:
            return _value(_SCHEMAS[reference.rpartition("/")[2]])
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"properties": properties}:
            return {key: _value(each) for key, each in properties.items()}
        case _:
            return _VALUES[schema.get("format") or schema["type"]]


AGENT_JSON = sample("Agent", name="ada", status="running")
PROVIDER_JSON = sample("Provider", name="one", type="openai")
MESSAGE_JSON = sample(
    "AgentMessage",
    message_id=str(MESSAGE_ID),
    status="completed",
    content="Good day.",
    finished_at=_AT,
)


def page_of(data: list[Any], next_cursor: str | None = None) -> dict[str, Any]:
    return {"data": data, "next_cursor": next_cursor}
