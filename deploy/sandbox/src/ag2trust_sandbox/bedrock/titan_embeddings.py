"""Titan Embeddings of Amazon: a text in, a vector out.

Shapes: Amazon Bedrock User Guide, "Amazon Titan Text Embeddings".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ag2trust_sandbox.refusal import RefusalError, mismatch
from ag2trust_sandbox.script import ErrorDetail, Step, Usage, UsagePlace
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.tokens import tokens_in
from ag2trust_sandbox.vectors import vector

from .invocation import Invocation, InvocationRequest, Members
from .parsing import CamelCase

__all__ = ["TitanEmbeddingsRequest"]

_DEFAULT_DIMENSIONS: Final = 8


@dataclass(frozen=True, slots=True)
class TitanEmbeddingsInvocation(Invocation):
    embedding: tuple[float, ...]
    usage: Usage
    is_counted: bool

    def whole(self) -> Members:
        tokens = self.usage.uncached_tokens if self.is_counted else None
        return {"embedding": list(self.embedding), "inputTextTokenCount": tokens}

    def content_chunks(self) -> Iterator[Members]:
        raise _no_stream()

    def last_chunk(self) -> Members:
        raise _no_stream()


def _no_stream() -> RefusalError:
    detail = ErrorDetail(message="The model is unsupported for response streaming.")
    return RefusalError(Step(status=400, error=detail))


class TitanEmbeddingsRequest(CamelCase, InvocationRequest):
    input_text: Annotated[str, Field(min_length=1)]
    dimensions: Annotated[int, Field(ge=1, le=1024)] = _DEFAULT_DIMENSIONS

    def answered(self, _: str, step: Step, __: Stamp) -> Invocation:
        if step.is_chat_answer:
            raise mismatch("answers a chat, but an embedding was asked for")
        tokens = tokens_in(self.input_text)
        return TitanEmbeddingsInvocation(
            embedding=vector(self.input_text, dimensions=self.dimensions),
            usage=step.usage or Usage(prompt_tokens=tokens),
            is_counted=step.usage_place is not UsagePlace.NOWHERE,
        )
