"""Embeddings: vectors that depend on the input alone and mean nothing.

Shapes: OpenAI API reference, "Embeddings".
"""

import base64
import hashlib
import math
import struct
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .openai_wire import Stamp, object_reply
from .reply import Reply
from .script import Step, UsagePlace
from .tokens import tokens_in

__all__ = ["EmbeddingsRequest", "embeddings_reply"]

_DEFAULT_DIMENSIONS: Final = 8

Text = Annotated[str, Field(min_length=1)]
Tokens = Annotated[tuple[int, ...], Field(min_length=1)]


class EmbeddingsRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    model: Annotated[str, Field(min_length=1)]
    input: (
        Text
        | Annotated[tuple[Text, ...], Field(min_length=1)]
        | Tokens
        | Annotated[tuple[Tokens, ...], Field(min_length=1)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=4096)] = _DEFAULT_DIMENSIONS

    @property
    def inputs(self) -> tuple[str | tuple[int, ...], ...]:
        """The input as a list, also where it is a single text or a list of tokens."""
        if isinstance(self.input, str):
            return (self.input,)
        tokens = tuple(each for each in self.input if isinstance(each, int))
        if tokens:
            return (tokens,)
        return tuple(each for each in self.input if not isinstance(each, int))


def embeddings_reply(request: EmbeddingsRequest, step: Step, stamp: Stamp) -> Reply:
    """Answer *request* with *step*; raises `RefusalError` if the step is for a chat."""
    return object_reply(step, stamp, _body(request, step))


def _body(request: EmbeddingsRequest, step: Step) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _embedding(request, each),
            }
            for index, each in enumerate(request.inputs)
        ],
        "model": request.model,
    }
    if step.usage_place is not UsagePlace.NOWHERE:
        body["usage"] = _usage(request, step)
    return body


def _embedding(request: EmbeddingsRequest, text: str | tuple[int, ...]) -> JsonValue:
    packed = _packed_vector(text, dimensions=request.dimensions)
    if request.encoding_format == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{request.dimensions}f", packed))


def _packed_vector(text: str | tuple[int, ...], *, dimensions: int) -> bytes:
    """Make a vector of length 1 from a hash, as little-endian 32-bit floats."""
    digest = hashlib.shake_256(repr(text).encode()).digest(2 * dimensions)
    # Odd numbers, hence never a vector of zeroes.
    values = [2 * value + 1 for value in struct.unpack(f"<{dimensions}h", digest)]
    length = math.hypot(*values)
    return struct.pack(f"<{dimensions}f", *(value / length for value in values))


def _usage(request: EmbeddingsRequest, step: Step) -> JsonValue:
    if step.usage is None:
        tokens = sum(map(_tokens_of, request.inputs))
        return {"prompt_tokens": tokens, "total_tokens": tokens}
    total = step.usage.total_tokens
    return {
        "prompt_tokens": step.usage.prompt_tokens,
        "total_tokens": step.usage.prompt_tokens if total is None else total,
    }


def _tokens_of(text: str | tuple[int, ...]) -> int:
    return tokens_in(text) if isinstance(text, str) else len(text)
