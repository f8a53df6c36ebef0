"""Embeddings: vectors that depend on the input alone and mean nothing.

Shapes: OpenAI API reference, "Embeddings".
"""

import base64
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from ag2trust_sandbox.parsing import Lenient
from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step, UsagePlace
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.tokens import tokens_in
from ag2trust_sandbox.vectors import packed_vector, vector

from .wire import OPENAI

__all__ = ["EmbeddingsRequest", "embeddings_reply"]

_DEFAULT_DIMENSIONS: Final = 8

Text = Annotated[str, Field(min_length=1)]
Tokens = Annotated[tuple[int, ...], Field(min_length=1)]


class EmbeddingsRequest(Lenient):
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
    return OPENAI.object_reply(step, stamp, _body(request, step))


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
    if request.encoding_format == "base64":
        packed = packed_vector(text, dimensions=request.dimensions)
        return base64.b64encode(packed).decode()
    return list(vector(text, dimensions=request.dimensions))


def _usage(request: EmbeddingsRequest, step: Step) -> JsonValue:
    if step.usage is None:
        tokens = sum(map(_tokens_of, request.inputs))
        return {"prompt_tokens": tokens, "total_tokens": tokens}
    usage = step.usage
    is_given = usage.total_tokens is not None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.total if is_given else usage.prompt_tokens,
        **usage.extra,
    }


def _tokens_of(text: str | tuple[int, ...]) -> int:
    return tokens_in(text) if isinstance(text, str) else len(text)
