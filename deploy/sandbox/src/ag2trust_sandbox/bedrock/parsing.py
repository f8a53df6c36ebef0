"""What Bedrock says of a request body that is wrong."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ag2trust_sandbox import parsing
from ag2trust_sandbox.parsing import Lenient, Problem
from ag2trust_sandbox.script import ErrorDetail

__all__ = ["CamelCase", "parse"]

Body = TypeVar("Body", bound=BaseModel)


class CamelCase(Lenient):
    """Reads members written the way AWS writes them."""

    model_config = ConfigDict(alias_generator=to_camel)


def parse(model: type[Body], body: bytes) -> Body:
    """Read a request body; raises `RefusalError` with 400 and the first thing wrong."""
    return parsing.parse(model, body, _detail)


def _detail(problem: Problem) -> ErrorDetail:
    place = "/".join(("#", *map(str, problem.place)))
    return ErrorDetail(
        message=f"Malformed input request: {place}: {problem.text}, please reformat "
        "your input and try again."
    )
