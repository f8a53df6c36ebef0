"""How a request body is read, whatever the wire format."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .refusal import RefusalError
from .script import ErrorDetail, Step

__all__ = ["Lenient", "Problem", "parse"]

Body = TypeVar("Body", bound=BaseModel)


class Lenient(BaseModel):
    """Reads what an answer depends on and ignores the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where; no place if the body is no JSON."""

    text: str
    place: tuple[int | str, ...]
    is_missing: bool


def parse(
    model: type[Body], body: bytes, tell: Callable[[Problem], ErrorDetail]
) -> Body:
    """Read a request body; raises `RefusalError` with 400 and the first thing wrong."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    problem = Problem(
        text=first["msg"].removeprefix("Value error, "),
        place=first["loc"],
        is_missing=first["type"] == "missing",
    )
    raise RefusalError(Step(status=400, error=tell(problem)))
