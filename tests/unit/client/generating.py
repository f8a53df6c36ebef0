"""The client's models and operations, as source made of the API's description.

Names and sentences are the description's own. What a browser alone can use (logging in,
pages, redirects) is left out, and what streams is written by hand in `client.py`.
"""

import keyword
import textwrap
from collections.abc import Iterator
from typing import Any

__all__ = ["models_source", "operations_source"]

JsonObject = dict[str, Any]

_JSON = "application/json"
_WIDTH = 76
_HEAD = '"""{}\n\nMade by `make generate` of docs/api/openapi.json.\n"""\n'
_TEXTS = ("text/csv", "text/plain")
_FOR_BROWSERS = frozenset({"sessions", "invitations", "oidc"})
_FOR_STREAMS = frozenset({"follow"})
_FORMATS = {"uuid": "UUID", "date-time": "AwareDatetime", "date": "date"}
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}


def models_source(document: JsonObject) -> str:
    """Write a class for each object, and an alias for each closed list of words."""
    schemas = {
        _name(key): schema for key, schema in document["components"]["schemas"].items()
    }
    needed = _needed_by(_operations(document), schemas)
    classes = [
        _class(name, schema)
        for name, schema in schemas.items()
        if name in needed and "properties" in schema
    ]
    aliases = [
        f"{name} = {_type_of(schema)}"
        for name, schema in schemas.items()
        if name in needed and "properties" not in schema
    ]
    return "\n\n".join(
        [
            _HEAD.format("What the API takes and answers."),
            "from __future__ import annotations",
            _IMPORTS,
            _all_of(sorted(needed)),
            _BASES,
            "\n".join(aliases),
            *classes,
            "",
        ]
    )


def operations_source(document: JsonObject) -> str:
    """Write a method for each operation, named as the description names it."""
    operations = _operations(document)
    models = ", ".join(sorted({name for it in operations for name in _models_of(it)}))
    return "\n\n".join(
        [
            _HEAD.format("Every operation of the API that a program can use."),
            "from typing import Any, Literal\nfrom uuid import UUID",
            "from pydantic import AwareDatetime",
            (
                "from .connection import Connection, segment\n"
                f"from .models import ({models})"
            ),
            '__all__ = ["Operations"]',
            'class Operations(Connection):\n    """Named as in the description."""',
            *(textwrap.indent(_method(each), "    ") for each in operations),
            "",
        ]
    )


_IMPORTS = """\
from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, field_serializer
)"""

_BASES = '''\
class Taken(BaseModel):
    """What the API takes; a field that it does not know is refused here already."""

    # A program uses few of them, and should not wait for the others when it starts.
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, defer_build=True
    )


class Given(BaseModel):
    """What the API answers; a field that is newer than this client is kept."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, defer_build=True
    )
'''


def _operations(document: JsonObject) -> list[JsonObject]:
    return [
        {**operation, "method": method.upper(), "path": path}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] not in _FOR_BROWSERS and _answers(operation)
    ]


def _answers(operation: JsonObject) -> bool:
    content = _content(operation)
    return content is None or _JSON in content or any(it in content for it in _TEXTS)


def _content(operation: JsonObject) -> JsonObject | None:
    """Return what the first 2xx answer holds; None if nothing."""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content: JsonObject | None = answer.get("content")
            return content
    return {}


def _json_answers(operation: JsonObject) -> list[JsonObject]:
    return [
        answer["content"][_JSON]
        for status, answer in operation["responses"].items()
        if status.startswith("2") and _JSON in answer.get("content", {})
    ]


def _method(operation: JsonObject) -> str:
    given = [each for each in operation["parameters"] if each["in"] == "path"]
    query = [
        each
        for each in operation["parameters"]
        if each["in"] == "query" and each["name"] not in _FOR_STREAMS
    ]
    headers = [each for each in operation["parameters"] if each["in"] == "header"]
    returns = _returned(operation)
    signature = [
        "self",
        *(f"{_named_in(operation, it)}: {_type_of(it['schema'])}" for it in given),
        *_body_parameter(operation),
        *(["*"] if query or headers else []),
        *map(_optional_last, sorted(query, key=lambda it: not it["required"])),
        *(f"{_identifier(it['name'])}: str | None = None" for it in headers),
    ]
    call = [
        returns,
        repr(operation["method"]),
        _path(operation),
        *([f"query={_mapping(query)}"] if query else []),
        *(["body=body"] if "requestBody" in operation else []),
        *([f"headers={_mapping(headers)}"] if headers else []),
    ]
    asked = f"await self._ask({', '.join(call)})"
    answer = asked if returns == "None" else f"answer: {returns} = {asked}"
    declared = f"{operation['operationId']}({', '.join(signature)}) -> {returns}"
    return "\n".join(
        [
            f"async def {declared}:",
            textwrap.indent(_docstring(_sentences(operation)), "    "),
            f"    {answer}",
            *([] if returns == "None" else ["    return answer"]),
        ]
    )


def _sentences(operation: JsonObject) -> str:
    more = operation.get("description")
    return f"{operation['summary']}\n\n{more}" if more else str(operation["summary"])


def _body_parameter(operation: JsonObject) -> list[str]:
    if "requestBody" not in operation:
        return []
    model = _type_of(operation["requestBody"]["content"][_JSON]["schema"])
    if operation["requestBody"]["required"]:
        return [f"body: {model}"]
    return [f"body: {model} | None = None"]


def _optional_last(parameter: JsonObject) -> str:
    declared = f"{_identifier(parameter['name'])}: {_type_of(parameter['schema'])}"
    return declared if parameter["required"] else f"{declared} | None = None"


def _returned(operation: JsonObject) -> str:
    """Say what comes back: of several statuses, whatever they may answer."""
    content = _content(operation)
    if content is None:
        return "None"
    schemas = [each["schema"] for each in _json_answers(operation)]
    return " | ".join(dict.fromkeys(map(_type_of, schemas))) or "str"


def _named_in(operation: JsonObject, parameter: JsonObject) -> str:
    """Say whose id it is: the `id` of `/agent-types/{id}` is `agent_type_id`."""
    name: str = parameter["name"]
    if name != "id":
        return _identifier(name)
    before = operation["path"].partition("/{id}")[0].rpartition("/")[2]
    return f"{_identifier(before).removesuffix('s')}_id"


def _path(operation: JsonObject) -> str:
    path: str = operation["path"]
    for each in operation["parameters"]:
        if each["in"] == "path":
            path = path.replace(each["name"] + "}", _segment(operation, each) + "}")
    return f"f{path!r}" if "{" in path else repr(path)


def _segment(operation: JsonObject, parameter: JsonObject) -> str:
    name = _named_in(operation, parameter)
    return name if "format" in parameter["schema"] else f"segment({name})"


def _mapping(parameters: list[JsonObject]) -> str:
    pairs = (f"{it['name']!r}: {_identifier(it['name'])}" for it in parameters)
    return "{" + ", ".join(pairs) + "}"


def _class(name: str, schema: JsonObject) -> str:
    is_taken = schema.get("additionalProperties") is False and name != "Error"
    required = schema.get("required", [])
    fields = [
        _field(key, each, is_required=key in required, is_taken=is_taken)
        for key, each in schema["properties"].items()
    ]
    secrets = [key for key, each in schema["properties"].items() if _is_secret(each)]
    words = schema.get("description")
    lines = [
        *([_docstring(words)] if words else []),
        "\n".join(fields) or "pass",
        *([_serializer(secrets)] if secrets else []),
    ]
    body = textwrap.indent("\n\n".join(lines), "    ")
    return f"class {name}({'Taken' if is_taken else 'Given'}):\n{body}"


def _field(key: str, schema: JsonObject, *, is_required: bool, is_taken: bool) -> str:
    """Spell a field; what may be left out is None then, and not sent."""
    identifier, type_ = _identifier(key), _type_of(schema)
    if not is_required and "None" not in type_.split(" | "):
        type_ += " | None" if is_taken or "default" not in schema else ""
    options = [] if is_required else ["default=None"]
    if not is_required and schema.get("default") is not None and "$ref" not in schema:
        options, type_ = [f"default={schema['default']!r}"], _type_of(schema)
    if identifier != key:
        options.append(f"alias={key!r}")
    match options:
        case []:
            return f"{identifier}: {type_}"
        case [default] if default.startswith("default="):
            return f"{identifier}: {type_} = {default.removeprefix('default=')}"
        case _:
            return f"{identifier}: {type_} = Field({', '.join(options)})"


def _is_secret(schema: JsonObject) -> bool:
    kinds = schema.get("anyOf", [schema])
    return any(each.get("format") == "password" for each in kinds)


def _serializer(fields: list[str]) -> str:
    names = ", ".join(map(repr, fields))
    return (
        f"@field_serializer({names}, when_used='json-unless-none')\n"
        "def _sent(self, secret: SecretStr) -> str:\n"
        "    return secret.get_secret_value()"
    )


def _type_of(schema: JsonObject) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(map(_type_of, schema[word])))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    return _type_of_kind(schema)


def _type_of_kind(schema: JsonObject) -> str:
    match schema.get("type"):
        case "array":
            return f"list[{_type_of(schema['items'])}]"
        case "object":
            return f"dict[str, {_values_of(schema)}]"
        case "string" if schema.get("format") == "password":
            return "SecretStr"
        case "string":
            return _FORMATS.get(schema.get("format", ""), "str")
        case str(kind):
            return _PLAIN[kind]
        case _:
            return "Any"


def _values_of(schema: JsonObject) -> str:
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return _type_of(values)
    patterns = schema.get("patternProperties")
    return " | ".join(map(_type_of, patterns.values())) if patterns else "Any"


def _needed_by(
    operations: list[JsonObject], schemas: dict[str, JsonObject]
) -> set[str]:
    """Return the names of the models of *operations*, and of those inside them."""
    waiting = {each for operation in operations for each in _models_of(operation)}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_references(schemas[name])) - found
    return found


def _models_of(operation: JsonObject) -> Iterator[str]:
    yield from _references(operation.get("requestBody", {}))
    yield from _references(operation["parameters"])
    yield from _references(_json_answers(operation))


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield _name(part["$ref"].rpartition("/")[2])
        for each in part.values():
            yield from _references(each)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)


def _name(key: str) -> str:
    return key.replace("-", "")


def _identifier(key: str) -> str:
    name = key.replace("-", "_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def _docstring(text: str) -> str:
    """Quote a text, its lines broken anew but for the first, which is whole."""
    first, *rest = (" ".join(each.split()) for each in text.split("\n\n"))
    paragraphs = [first, *(textwrap.fill(each, width=_WIDTH) for each in rest)]
    whole = "\n\n".join(paragraphs).replace("\\", "\\\\")
    return f'"""{whole}"""' if "\n" not in whole else f'"""{whole}\n"""'


def _all_of(names: list[str]) -> str:
    return f"__all__ = [{', '.join(map(repr, names))}]"
