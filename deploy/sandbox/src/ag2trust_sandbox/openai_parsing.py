"""How a request body is read, and refused if it is wrong."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .openai_errors import RefusalError
from .script import ErrorDetail, Step

__all__ = ["parse"]

Body = TypeVar("Body", bound=BaseModel)


def parse(model: type[Body], body: bytes) -> Body:
    """Read a request body; raises `RefusalError` with 400 and the first thing wrong."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = first["msg"].removeprefix("Value error, ")
        detail = _detail(first["type"], first["loc"], problem)
        raise RefusalError(Step(status=400, error=detail)) from None


def _detail(kind: str, place: tuple[int | str, ...], problem: str) -> ErrorDetail:
    if not place:
        return ErrorDetail(message=f"We could not read your request. {problem}.")
    param = str(place[0])
    if kind == "missing" and len(place) == 1:
        return ErrorDetail(
            message=f"Missing required parameter: '{param}'.",
            param=param,
            code="missing_required_parameter",
        )
    return ErrorDetail(
        message=f"Invalid value for '{param}': {problem}.",
        param=param,
        code="invalid_value",
    )
