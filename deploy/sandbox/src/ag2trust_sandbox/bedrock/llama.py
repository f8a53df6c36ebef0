"""Llama of Meta: a prompt in, a generation out.

Shapes: Amazon Bedrock User Guide, "Meta Llama models".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ag2trust_sandbox.answer import Answer, Prompt, reason_among, usage_of
from ag2trust_sandbox.script import FinishReason, Step, Usage, UsagePlace
from ag2trust_sandbox.stamp import Stamp

from .invocation import Invocation, InvocationRequest, Members, plain_answer

__all__ = ["LlamaRequest"]

_REASONS: Final = {FinishReason.STOP: "stop", FinishReason.LENGTH: "length"}


@dataclass(frozen=True, slots=True)
class LlamaInvocation(Invocation):
    answer: Answer
    usage: Usage
    is_counted: bool

    def whole(self) -> Members:
        return {
            "generation": self.answer.content,
            **self._counts(self.usage, is_first=True),
            "stop_reason": reason_among(_REASONS, self.answer),
        }

    def content_chunks(self) -> Iterator[Members]:
        """Give a chunk for each frame: the generated tokens are cumulative."""
        frames = self.answer.frames
        for number, frame in enumerate(frames, start=1):
            so_far = self.usage.so_far(number, of=len(frames))
            counts = self._counts(so_far, is_first=number == 1)
            yield {"generation": frame, **counts, "stop_reason": None}

    def last_chunk(self) -> Members:
        counts = self._counts(self.usage, is_first=not self.answer.frames)
        reason = reason_among(_REASONS, self.answer)
        return {"generation": "", **counts, "stop_reason": reason}

    def _counts(self, usage: Usage, *, is_first: bool) -> Members:
        """Tell the prompt's tokens once; null where nothing is counted."""
        is_prompt_told = self.is_counted and is_first
        return {
            "prompt_token_count": usage.uncached_tokens if is_prompt_told else None,
            "generation_token_count": (
                usage.completion_tokens if self.is_counted else None
            ),
        }


class LlamaRequest(InvocationRequest):
    prompt: Annotated[str, Field(min_length=1)]
    max_gen_len: Annotated[int, Field(ge=1)] = 512

    def answered(self, _: str, step: Step, __: Stamp) -> Invocation:
        prompt = Prompt((self.prompt,), self.prompt, self.max_gen_len)
        answer = plain_answer(prompt, step)
        return LlamaInvocation(
            answer=answer,
            usage=usage_of(prompt, step, answer),
            is_counted=step.usage_place is not UsagePlace.NOWHERE,
        )
