"""JSON schemas of models, as HTTP takes and gives them."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from shared.contracts.base import Patch

__all__ = ["Schemas", "without_null"]

_TEMPLATE = "#/components/schemas/{model}"
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')
_PAGE = re.compile(r"Page\[(\w+)\]")
_NULL = {"type": "null"}


class Schemas:
    """Schemas of the models *taken* and *given*; *definitions* has what they name."""

    def __init__(self, *, taken: Iterable[Any], given: Iterable[Any]) -> None:
        adapters: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
            *((each, "validation", TypeAdapter(each)) for each in dict.fromkeys(taken)),
            *(
                (each, "serialization", TypeAdapter(each))
                for each in dict.fromkeys(given)
            ),
        ]
        self._schemas, definitions = TypeAdapter.json_schemas(
            adapters,
            ref_template=_TEMPLATE,
            schema_generator=_Generator,
        )
        self.definitions: dict[str, JsonSchemaValue] = definitions.get("$defs", {})

    def taken(self, model: Any) -> JsonSchemaValue:
        return self._schemas[model, "validation"]

    def definitions_for(self, *parts: JsonSchemaValue) -> JsonSchemaValue:
        """Return the definitions that *parts* name, and those that these name."""
        text = json.dumps([*parts, self.definitions])
        named = {*_REFERENCE.findall(text)}
        return {name: each for name, each in self.definitions.items() if name in named}

    def given(self, model: Any) -> JsonSchemaValue:
        return self._schemas[model, "serialization"]


class _Generator(GenerateJsonSchema):
    """What is taken has no fields that we do not know; what is given has all we do."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(_PAGE.sub(r"PageOf\1", name))

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001 - theirs
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        described = super().dict_schema(schema)
        if "patternProperties" in described:
            described["additionalProperties"] = False
        return described

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        described.pop("title", None)
        if self.mode == "validation":
            described["additionalProperties"] = False
            if issubclass(schema["cls"], Patch):
                described["properties"] |= {
                    name: without_null(each)
                    for name, each in described["properties"].items()
                    if name not in schema["cls"].clearable
                }
        return described


def without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Describe what may be left out but, if given, is not null."""
    rest = {name: schema[name] for name in schema if name not in {"anyOf", "default"}}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    kinds = [kind for kind in schema.get("anyOf", []) if kind != _NULL]
    if len(kinds) == 1:
        return {**rest, **kinds[0]}
    return {**rest, "anyOf": kinds} if kinds else rest
