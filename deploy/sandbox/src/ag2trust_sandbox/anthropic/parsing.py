"""What Anthropic says of a request body that is wrong."""

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
        return ErrorDetail(message=f"The request body is not valid: {problem.text}")
    place = ".".join(map(str, problem.place))
    return ErrorDetail(message=f"{place}: {problem.text}")
