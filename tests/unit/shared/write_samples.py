"""Write a sample for every message that has none, and the table of permissions.

A sample that is there is never written again: it is what older processes send. Run
`python -m tests.unit.shared.write_samples`, and review what changed.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.contracts.base import Message, Service
from shared.contracts.permissions import permissions_of

from .contracts_at_hand import MESSAGES

HERE = Path(__file__).parent

_TEXTS = {
    "uuid": "01900000-0000-7000-8000-000000000001",
    "date-time": "2026-01-01T12:00:00Z",
    "binary": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "^(api_key|user|service)$": "api_key",
    "^[A-Z0-9_]{1,50}$": "OK",
    "^[0-9a-f]{64}$": "ab" * 32,
    "base_url": "https://api.example.com/v1",
    "region": "us-east-1",
    "aws_role_arn": "arn:aws:iam::123456789012:role/sample",
}


class Writer:
    """Makes an example of a JSON schema: every field, one of each list."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def example(self) -> Any:
        return self._of(self._schema, "")

    def _of(self, schema: dict[str, Any], name: str) -> Any:
        if reference := schema.get("$ref"):
            return self._of(self._schema["$defs"][reference.rpartition("/")[2]], name)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._of(choices[0], name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        return self._of_type(schema, name)

    def _of_type(self, schema: dict[str, Any], name: str) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return [self._of(schema.get("items", {}), name)]
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
            case _:
                return self._text(schema, name)

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "properties" in schema:
            fields = schema["properties"].items()
            return {name: self._of(each, name) for name, each in fields}
        patterns: dict[str, Any] = schema.get("patternProperties", {})
        inner = next(iter(patterns.values()), schema.get("additionalProperties"))
        return {"key": self._of(inner, "") if isinstance(inner, dict) else 1}

    def _text(self, schema: dict[str, Any], name: str) -> str:
        for clue in (schema.get("format"), schema.get("pattern"), name):
            if clue in _TEXTS:
                return _TEXTS[clue]
        return "sample".ljust(schema.get("minLength", 0), "x")


def sample_of(message: type[Message]) -> str:
    """Make an example, without the fields that do not go with the others."""
    fields = Writer(message.model_json_schema()).example()
    while True:
        try:
            message.model_validate_json(json.dumps(fields))
        except ValidationError as error:
            for each in error.errors():
                _remove(fields, each["loc"])
        else:
            return json.dumps(fields, indent=2) + "\n"


def _remove(fields: Any, place: tuple[int | str, ...]) -> None:
    *way, last = place
    for step in way:
        fields = fields[step]
    del fields[last]


def sample_file(message: type[Message]) -> Path:
    module = message.__module__.rpartition(".")[2]
    return HERE / "samples" / module / f"{message.__name__}.json"


def permission_table() -> str:
    """List who may say and hear what, a line a right."""
    return "".join(
        f"{service} {verb} {subject}\n"
        for service in Service
        for verb in ("publish", "subscribe")
        for subject in getattr(permissions_of(service), verb)
    )


def main() -> None:
    for message in MESSAGES:
        file = sample_file(message)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(sample_of(message))
    (HERE / "samples" / "permissions.txt").write_text(permission_table())


if __name__ == "__main__":
    main()
