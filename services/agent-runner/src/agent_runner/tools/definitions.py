"""What a model is told of a tool: its name, what it does, and what it takes."""

from pydantic import BaseModel, JsonValue

from shared.contracts.tools import CurrentTimeTool, HttpRequestTool

__all__ = ["Definition", "definition_of"]


class Definition(BaseModel):
    """*parameters* is the JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, JsonValue]


def definition_of(tool: CurrentTimeTool | HttpRequestTool) -> Definition:
    match tool:
        case CurrentTimeTool():
            return Definition(
                name=tool.name,
                description="Tells the current date and time of day.",
                parameters=_object(
                    {
                        "time_zone": _text(
                            "An IANA time zone, as Europe/Berlin; UTC unless given."
                        )
                    }
                ),
            )
        case HttpRequestTool():
            return Definition(
                name=tool.name,
                description=_what_may_be_asked(tool),
                parameters=_object(_of_a_request(tool), "url"),
            )


def _what_may_be_asked(tool: HttpRequestTool) -> str:
    hosts = "" if tool.hosts is None else f" Hosts: {', '.join(tool.hosts)}."
    return (
        "Sends an HTTP request and gives the status and the body of the answer."
        f"{hosts} Bodies of answers are cut after {tool.max_response_bytes} bytes."
    )


def _of_a_request(tool: HttpRequestTool) -> dict[str, JsonValue]:
    methods: list[JsonValue] = [*tool.methods]
    return {
        "url": _text("http:// or https://, without user name or fragment."),
        "method": {"type": "string", "enum": methods},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": _text(f"At most {tool.max_request_bytes} bytes."),
    }


def _text(description: str) -> JsonValue:
    return {"type": "string", "description": description}


def _object(properties: dict[str, JsonValue], *required: str) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }
