"""Titan Text of Amazon: a text in, results out.

Shapes: Amazon Bedrock User Guide, "Amazon Titan Text models".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ag2trust_sandbox.answer import Answer, Prompt, reason_among, usage_of
from ag2trust_sandbox.script import FinishReason, Step, Usage, UsagePlace
from ag2trust_sandbox.stamp import Stamp

from .invocation import Invocation, InvocationRequest, Members, plain_answer
from .parsing import CamelCase

__all__ = ["TitanTextRequest"]

_REASONS: Final = {
    FinishReason.STOP: "FINISHED",
    FinishReason.LENGTH: "LENGTH",
    FinishReason.CONTENT_FILTER: "CONTENT_FILTERED",
}


@dataclass(frozen=True, slots=True)
class TitanTextInvocation(Invocation):
    answer: Answer
    usage: Usage
    is_counted: bool

    def whole(self) -> Members:
        result: Members = {
            "tokenCount": self._told(self.usage.completion_tokens),
            "outputText": self.answer.content,
            "completionReason": reason_among(_REASONS, self.answer),
        }
        return {"inputTextTokenCount": self._input_tokens, "results": [result]}

    def content_chunks(self) -> Iterator[Members]:
        for frame in self.answer.frames:
            yield {
                "outputText": frame,
                "index": 0,
                "totalOutputTextTokenCount": None,
                "completionReason": None,
                "inputTextTokenCount": self._input_tokens,
            }

    def last_chunk(self) -> Members:
        return {
            "outputText": "",
            "index": 0,
            "totalOutputTextTokenCount": self._told(self.usage.completion_tokens),
            "completionReason": reason_among(_REASONS, self.answer),
            "inputTextTokenCount": self._input_tokens,
        }

    @property
    def _input_tokens(self) -> int | None:
        return self._told(self.usage.uncached_tokens)

    def _told(self, tokens: int) -> int | None:
        return tokens if self.is_counted else None


class GenerationConfig(CamelCase):
    max_token_count: Annotated[int, Field(ge=1)] = 512


class TitanTextRequest(CamelCase, InvocationRequest):
    input_text: Annotated[str, Field(min_length=1)]
    text_generation_config: GenerationConfig = GenerationConfig()

    def answered(self, _: str, step: Step, __: Stamp) -> Invocation:
        limit = self.text_generation_config.max_token_count
        prompt = Prompt((self.input_text,), self.input_text, limit)
        answer = plain_answer(prompt, step)
        return TitanTextInvocation(
            answer=answer,
            usage=usage_of(prompt, step, answer),
            is_counted=step.usage_place is not UsagePlace.NOWHERE,
        )
