"""What OpenAI says of a request body that is wrong."""

from typing import TypeVar

from pydantic import BaseModel

from ag2trust_sandbox import parsing
from ag2trust_sandbox.parsing import Problem
from ag2trust_sandbox.script import ErrorDetail

__all__ = ["parse"]

Body = TypeVar("Body", bound=BaseModel)


def parse(model: type[Body], body: bytes) -> Body:
    """Read a request body; raises `RefusalError` with 400 and the first thing wrong."""
    return parsing.parse(model, body, _detail)


def _detail(problem: Problem) -> ErrorDetail:
    if not problem.place:
        return ErrorDetail(message=f"We could not read your request. {problem.text}.")
    param = str(problem.place[0])
    if problem.is_missing and len(problem.place) == 1:
        return ErrorDetail(
            message=f"Missing required parameter: '{param}'.",
            param=param,
            code="missing_required_parameter",
        )
    return ErrorDetail(
        message=f"Invalid value for '{param}': {problem.text}.",
        param=param,
        code="invalid_value",
    )
