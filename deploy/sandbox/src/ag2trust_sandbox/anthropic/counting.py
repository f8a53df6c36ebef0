"""`POST /v1/messages/count_tokens`: how long a prompt is, by the sandbox's rule."""

from typing import Annotated

from pydantic import Field

from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp
from ag2trust_sandbox.tokens import tokens_in

from .conversation import Conversation
from .wire import ANTHROPIC

__all__ = ["CountRequest", "count_reply"]


class CountRequest(Conversation):
    model: Annotated[str, Field(min_length=1)]


def count_reply(request: CountRequest, step: Step, stamp: Stamp) -> Reply:
    """Count *request*, or give the prompt tokens of the step's usage."""
    counted = sum(map(tokens_in, request.texts))
    tokens = counted if step.usage is None else step.usage.prompt_tokens
    return ANTHROPIC.object_reply(step, stamp, {"input_tokens": tokens})
