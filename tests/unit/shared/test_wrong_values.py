"""What is wrong with a value is told in words of ours, and without the value."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from shared.contracts.agent_types import Slug
from shared.contracts.base import Instant
from shared.contracts.limits import BudgetDollars
from shared.contracts.tools import ToolHost
from shared.contracts.usage import Key
from shared.wrong_values import what_is_wrong

CANARY = "sk-canary-83a1f6"
SecretUrl = Annotated[SecretStr, Field(min_length=8)]
SMALL_LETTERS = (
    "must be small letters, digits and hyphens, 63 at most, the first no hyphen"
)
YEARS_1_TO_9999 = (
    "must be of the years 1 to 9999, in UTC, and neither their first moment nor their "
    "last"
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Lamp(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["lamp"]


class Fire(BaseModel):
    kind: Literal["fire"]


def _never(_value: str) -> str:
    raise ValueError("it is the wrong day, sorry")


@pytest.mark.parametrize(
    ("wanted", "given", "words"),
    [
        (Lamp, {}, "is required"),
        (Lamp, {"kind": "lamp", "x": CANARY}, "is not known here"),
        (Lamp, CANARY, "must be an object"),
        (str, 5, "must be text"),
        (int, CANARY, "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, CANARY, "must be a number"),
        (bool, CANARY, "must be true or false"),
        (list[str], CANARY, "must be a list"),
        (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
        (Annotated[int, Field(le=65535)], 70000, "must be at most 65535"),
        (Annotated[float, Field(gt=0.5)], 0, "must be more than 0.5"),
        (Annotated[str, Field(min_length=1)], "", "must not be empty"),
        (Annotated[str, Field(min_length=12)], "x", "must have 12 characters or more"),
        (SecretUrl, "x", "must have 8 characters or more"),
        (Annotated[str, Field(max_length=1)], CANARY, "must have 1 character at most"),
        (
            Annotated[list[int], Field(max_length=2)],
            [1] * 3,
            "must have 2 entries at most",
        ),
        (Colour, CANARY, "must be 'red' or 'blue'"),
        (Literal["red", "blue"], CANARY, "must be 'red' or 'blue'"),
        (
            Annotated[Lamp | Fire, Discriminator("kind")],
            {"kind": CANARY},
            "must be one of 'lamp', 'fire'",
        ),
        (Annotated[str, StringConstraints(pattern="^a$")], CANARY, "must match ^a$"),
        (Slug, "Has Spaces", SMALL_LETTERS),
        (Key, "a\0b", "must not hold the character U+0000"),
        (
            ToolHost,
            "https://api.example.com/v1",
            "must be a host, as api.example.com, *.example.com or api.example.com:8443",
        ),
        (BudgetDollars, "0.0000001", "must have 6 decimal places at most"),
        (
            Annotated[Decimal, Field(max_digits=20)],
            "1e300",
            "must have 20 digits at most",
        ),
        (Instant, "0001-01-01T00:00:00+14:00", YEARS_1_TO_9999),
        (Instant, "0001-01-01T00:00:00Z", YEARS_1_TO_9999),
        (Instant, "9999-12-31T23:59:59.999999Z", YEARS_1_TO_9999),
        (UUID, CANARY, "must be an id, as 0198c5f2-6a1e-7c3b-9d54-2f1b8e7a4c60"),
        (datetime, CANARY, "must be a time with its zone, as 2026-01-31T09:30:00Z"),
        (
            AwareDatetime,
            "2026-01-31T09:30:00",
            "must be a time with its zone, as 2026-01-31T09:30:00Z",
        ),
        (Annotated[str, AfterValidator(_never)], "x", "it is the wrong day, sorry"),
    ],
)
def test_what_is_wrong_is_told_and_never_what_was_given(
    wanted: Any, given: object, words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(wanted).validate_python(given)

    (error,) = refused.value.errors()
    assert what_is_wrong(error) == words
