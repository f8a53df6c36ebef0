"""The model an agent asks, whichever provider's client asks it."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ag2trust_agent.conversation import Conversation, ToolCall
from ag2trust_agent.protocol import Configuration

from .lean_sdks import load_lean

__all__ = ["Model", "connect"]


class Model(Protocol):
    def speak(self, conversation: Conversation) -> AsyncGenerator[str | ToolCall, None]:
        """Stream what the model says next: text in pieces, then the tools it calls.

        Raises `ModelCallError`.
        """


def connect(configuration: Configuration) -> AbstractAsyncContextManager[Model]:
    """Open the model with the official client of its provider, which is loaded here.

    A client takes some 30 MB of memory, so no other is loaded.
    """
    load_lean()
    match configuration.provider_type:
        case "openai":
            from . import chat_completions  # noqa: PLC0415 - see above

            return chat_completions.connect(configuration)
        case "anthropic":
            from . import anthropic_messages  # noqa: PLC0415 - see above

            return anthropic_messages.connect(configuration)
        case "bedrock":
            from . import bedrock_converse  # noqa: PLC0415 - see above

            return bedrock_converse.connect(configuration)
