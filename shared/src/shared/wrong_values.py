"""What is wrong with a value, and what would be right, in words that are ours."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

__all__ = ["what_is_wrong"]

_MEMBER_OF_ENUM = re.compile(r"<\w+\.\w+: ('[^']*')>")
_WHOLE_NUMBER = "must be a whole number"
_NUMBER = "must be a number"
_TRUTH = "must be true or false"
_TEXT = "must be text"
_LIST = "must be a list"
_OBJECT = "must be an object"
_ID = "must be an id, as 0198c5f2-6a1e-7c3b-9d54-2f1b8e7a4c60"
_DATE = "must be a date, as 2026-01-31"
_TIME = "must be a time with its zone, as 2026-01-31T09:30:00Z"

_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_sub_type": _TEXT,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_max_digits": "must have {max_digits} digits at most",
    "decimal_max_places": "must have {decimal_places} decimal places at most",
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "none_required": "must be null",
    "json_invalid": "must be JSON",
    "json_type": "must be JSON",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "multiple_of": "must be a multiple of {multiple_of:g}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "must say its {discriminator}",
}

_PATTERNS: Mapping[str, str] = {
    r"^[^\x00]*$": "must not hold the character U+0000",
    r"^[a-z0-9][a-z0-9-]{0,62}$": (
        "must be small letters, digits and hyphens, 63 at most, the first no hyphen"
    ),
    r"^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$": (
        "must be small letters, digits and hyphens, 24 at most, no hyphen at its ends"
    ),
    r"^(\*\.)?([a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])"
    r"(:[0-9]{1,5})?$": (
        "must be a host, as api.example.com, *.example.com or api.example.com:8443"
    ),
    r"^[a-zA-Z][a-zA-Z0-9_.-]{0,62}$": (
        "must be letters, digits, _, . and -, 63 at most, the first a letter"
    ),
}


def what_is_wrong(error: ErrorDetails) -> str:
    """Say it as what follows the field's name: `must be at least 1`.

    Never what was given, which may be a secret in the wrong place. What a validator
    of ours says stays as it is.
    """
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error" | "assertion_error":
            return error["msg"].partition(", ")[2]
        case "string_too_short" | "too_short":
            return _too_short(context)
        case "string_too_long" | "too_long":
            return f"must have {_counted(context['max_length'], context)} at most"
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return _PATTERNS.get(pattern, f"must match {pattern}")
        case kind if kind in _WORDS:
            return _MEMBER_OF_ENUM.sub(r"\1", _WORDS[kind].format(**context))
        case _:
            return error["msg"]


def _too_short(context: Mapping[str, Any]) -> str:
    if context["min_length"] == 1:
        return "must not be empty"
    return f"must have {_counted(context['min_length'], context)} or more"


def _counted(count: int, context: Mapping[str, Any]) -> str:
    """Count what a text (a secret one is a `Value`) or a list is long by."""
    is_text = context.get("field_type", "Value") == "Value"
    one, many = ("character", "characters") if is_text else ("entry", "entries")
    return f"{count:,} {one if count == 1 else many}"
