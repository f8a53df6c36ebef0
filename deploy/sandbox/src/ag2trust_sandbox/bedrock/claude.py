"""Claude on Bedrock: Anthropic's messages, the model and the stream in the path.

Shapes: Amazon Bedrock User Guide, "Anthropic Claude Messages API".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ag2trust_sandbox.answer import Prompt, answer_to, usage_of
from ag2trust_sandbox.anthropic.conversation import Conversation
from ag2trust_sandbox.anthropic.message import Message
from ag2trust_sandbox.script import Step, Usage
from ag2trust_sandbox.stamp import Stamp

from .invocation import Invocation, InvocationRequest, Members

__all__ = ["ClaudeRequest"]


@dataclass(frozen=True, slots=True)
class ClaudeInvocation(Invocation):
    message: Message
    usage: Usage

    def whole(self) -> Members:
        return self.message.whole()

    def content_chunks(self) -> Iterator[Members]:
        """Give the events; Bedrock sends no pings."""
        events = self.message.content_events()
        return (event for event in events if event["type"] != "ping")

    def usage_chunks(self) -> Iterator[Members]:
        yield self.message.usage_event()

    def last_chunk(self) -> Members:
        return self.message.end_event()


class ClaudeRequest(Conversation, InvocationRequest):
    anthropic_version: Literal["bedrock-2023-05-31", "2026-10-21"]
    max_tokens: Annotated[int, Field(ge=0)]

    def answered(self, model: str, step: Step, stamp: Stamp) -> Invocation:
        prompt = Prompt(self.texts, self.last_user_text, self.max_tokens)
        answer = answer_to(prompt, step)
        usage = usage_of(prompt, step, answer)
        message = Message(
            key=f"bdrk_{stamp.id[:24]}",
            model=model,
            answer=answer,
            usage=usage,
            usage_place=step.usage_place,
        )
        return ClaudeInvocation(message, usage)
