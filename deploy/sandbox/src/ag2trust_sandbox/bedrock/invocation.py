"""What a family of models makes of an invocation, before Bedrock sends it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from pydantic import JsonValue

from ag2trust_sandbox.answer import Answer, Prompt, answer_to
from ag2trust_sandbox.parsing import Lenient
from ag2trust_sandbox.refusal import mismatch
from ag2trust_sandbox.script import Step, Usage
from ag2trust_sandbox.stamp import Stamp

__all__ = ["Invocation", "InvocationRequest", "Members", "plain_answer"]

Members = dict[str, JsonValue]


class Invocation(ABC):
    """An answer in the family's own JSON; all methods may raise `RefusalError`."""

    usage: Usage

    @abstractmethod
    def whole(self) -> Members:
        """Give the answer at once."""

    @abstractmethod
    def content_chunks(self) -> Iterator[Members]:
        """Give the chunks of a stream before its final usage."""

    def usage_chunks(self) -> Iterator[Members]:
        """Give the chunks with the final usage, if it is not in the last one."""
        yield from ()

    @abstractmethod
    def last_chunk(self) -> Members:
        """Give the chunk that Bedrock adds its metrics to."""


class InvocationRequest(Lenient, ABC):
    """What a family is asked; the model is in the path."""

    @abstractmethod
    def answered(self, model: str, step: Step, stamp: Stamp) -> Invocation:
        """Answer with *step*; raises `RefusalError` if the family cannot say it."""


def plain_answer(prompt: Prompt, step: Step) -> Answer:
    """Answer for a family that has words and nothing else."""
    if step.tool_calls or step.thinking is not None:
        raise mismatch("calls tools or thinks, which this family of models cannot")
    return answer_to(prompt, step)
