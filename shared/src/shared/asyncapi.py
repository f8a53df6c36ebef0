"""What the event stream offers, as an AsyncAPI document made of the contracts.

AsyncAPI 3.0.0; payloads are JSON Schemas (2020-12) of the models that are published.
"""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from .cloud_events import SPEC_VERSION, source, type_of
from .contracts.base import Topic

__all__ = ["describe_events"]

JsonObject: TypeAlias = dict[str, Any]

_REFERENCES = "#/components/schemas/{model}"
_ABOUT = (
    "What happened in an organization. Events are kept for seven days and delivered at"
    " least once: `id` is the same in every repeat. `GET /api/events` streams those of"
    " one's own organization as server-sent events, from `Last-Event-ID` on. An event"
    " never holds the content of a message. Fields are only ever added."
)


def describe_events(topics: Iterable[Topic[Any]]) -> JsonObject:
    """Describe *topics*, in the order of their names."""
    ordered = sorted(topics, key=_name)
    _, definitions = models_json_schema(
        [(each.event, "serialization") for each in ordered], ref_template=_REFERENCES
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ag2Trust events",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_name(each): _channel(each) for each in ordered},
        "operations": {_name(each): _operation(each) for each in ordered},
        "components": {
            "messages": {_name(each): _message(each) for each in ordered},
            "schemas": definitions["$defs"],
        },
    }


def _name(topic: Topic[Any]) -> str:
    """Name a topic; a dot would end a key of the document's own references."""
    return f"{topic.noun}_{topic.participle}"


def _channel(topic: Topic[Any]) -> JsonObject:
    return {
        "address": topic.subject("{organization}"),
        "parameters": {"organization": {"description": "The organization's id."}},
        "messages": {
            _name(topic): {"$ref": f"#/components/messages/{_name(topic)}"},
        },
        "bindings": {"nats": {}},
    }


def _operation(topic: Topic[Any]) -> JsonObject:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_name(topic)}"}],
    }


def _message(topic: Topic[Any]) -> JsonObject:
    return {
        "name": f"{topic.noun}.{topic.participle}",
        "summary": cleandoc(topic.event.__doc__ or ""),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce-specversion", "ce-id", "ce-source", "ce-type"],
            "properties": {
                "ce-specversion": {"const": SPEC_VERSION},
                "ce-id": {"type": "string", "format": "uuid"},
                "ce-source": {"type": "string", "examples": [source("<id>")]},
                "ce-type": {"const": type_of(topic)},
            },
        },
        "payload": {"$ref": _REFERENCES.format(model=topic.event.__name__)},
    }
