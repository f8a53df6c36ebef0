"""What is said of a tool call that is not run: a sentence, and the explanation."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from shared.errors import AppError, ToolArgumentsInvalidError
from shared.http import fields_of
from shared.provider_errors.refusals import explained_refusal

__all__ = ["read_arguments", "refused"]

ErrorT = TypeVar("ErrorT", bound=AppError)
ArgumentsT = TypeVar("ArgumentsT", bound=BaseModel)


def refused(error: type[ErrorT], message: str) -> ErrorT:
    explanation = explained_refusal(error.code, message).model_dump(mode="json")
    return error(message, details={"explanation": explanation})


def read_arguments(
    model: type[ArgumentsT], arguments: Mapping[str, JsonValue]
) -> ArgumentsT:
    """Read what a model wrote; the refusal says what is wrong, for it to try again."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        problems = "; ".join(map(_said, fields_of(error)))
        raise refused(
            ToolArgumentsInvalidError, f"The tool does not take this. {problems}."
        ) from None


def _said(field: JsonValue) -> str:
    match field:
        case {"field": name, "message": message}:
            return f"{name}: {message}"
        case _:
            return str(field)
