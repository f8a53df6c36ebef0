"""What an answer says, before any wire format has it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from .refusal import mismatch
from .script import FinishReason, Step, ToolCall, Usage
from .tokens import CHARACTERS_PER_TOKEN, tokens_in

__all__ = ["Answer", "Prompt", "answer_to", "arguments_of", "reason_among", "usage_of"]

_WORDS: Final = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What of a request its answer depends on, whatever the format.

    `texts` are counted one by one; `token_limit` bounds the default answer.
    """

    texts: tuple[str, ...]
    last_user_text: str
    token_limit: int | None

    @property
    def tokens(self) -> int:
        return sum(map(tokens_in, self.texts))


@dataclass(frozen=True, slots=True)
class Answer:
    """`thinking` and `frames` are texts as they are streamed, piece by piece."""

    thinking: tuple[str, ...]
    frames: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason

    @property
    def content(self) -> str | None:
        """The text, if there is one: an empty one only where nothing else is said."""
        return "".join(self.frames) if self.frames or not self.tool_calls else None

    @property
    def thinking_tokens(self) -> int:
        return tokens_in("".join(self.thinking))

    @property
    def tokens(self) -> int:
        """All that was made, thinking included."""
        calls = (call.name + call.arguments for call in self.tool_calls)
        return self.thinking_tokens + tokens_in("".join((*self.frames, *calls)))


def answer_to(prompt: Prompt, step: Step) -> Answer:
    """Say what *step* says or, if it has no words, what the sandbox is."""
    if step.content is None and not step.tool_calls:
        return _default_answer(prompt, step)
    default = FinishReason.TOOL_CALLS if step.tool_calls else FinishReason.STOP
    return Answer(
        thinking=_frames(step.thinking),
        frames=_frames(step.content),
        tool_calls=step.tool_calls,
        finish_reason=step.finish_reason or default,
    )


def _default_answer(prompt: Prompt, step: Step) -> Answer:
    text = (
        f"This is the sandbox provider, not a model. You said: {prompt.last_user_text}"
    )
    limit = tokens_in(text) if prompt.token_limit is None else prompt.token_limit
    fits = tokens_in(text) <= limit
    default = FinishReason.STOP if fits else FinishReason.LENGTH
    return Answer(
        thinking=_frames(step.thinking),
        frames=_frames(text[: limit * CHARACTERS_PER_TOKEN]),
        tool_calls=(),
        finish_reason=step.finish_reason or default,
    )


def _frames(content: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if isinstance(content, str):
        return tuple(_WORDS.findall(content))
    return content or ()


def usage_of(
    prompt: Prompt, step: Step, answer: Answer, *, choice_count: int = 1
) -> Usage:
    """Give the step's usage or else count, the answer once for every choice."""
    return step.usage or Usage(
        prompt_tokens=prompt.tokens,
        completion_tokens=answer.tokens * choice_count,
        reasoning_tokens=answer.thinking_tokens * choice_count,
    )


def reason_among(words: Mapping[FinishReason, str], answer: Answer) -> str:
    """Say why it ends; raises `RefusalError` if the format has no word for it."""
    reason = answer.finish_reason
    if reason not in words:
        raise mismatch(f"ends with {reason}, which this endpoint cannot say")
    return words[reason]


def arguments_of(call: ToolCall) -> dict[str, JsonValue]:
    """Read arguments that are no text on the wire; `RefusalError` if they are no JSON.

    Only a stream can carry them as written.
    """
    try:
        arguments: JsonValue = json.loads(call.arguments)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise mismatch(f"calls {call.name} with what is no JSON object")
    return arguments
