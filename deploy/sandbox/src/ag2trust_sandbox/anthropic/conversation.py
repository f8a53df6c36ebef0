"""What a client sends to Claude, through Anthropic's endpoints or Bedrock's.

Shapes: Anthropic API reference, "Messages"; `anthropic.types`.
"""

from typing import Annotated, Literal

from pydantic import Field

from ag2trust_sandbox.parsing import Lenient

__all__ = ["Conversation"]


class Block(Lenient):
    """Text, or a tool's result, which holds text or blocks; others hold no text."""

    type: str
    text: str = ""
    content: "str | tuple[Block, ...] | None" = None

    @property
    def words(self) -> str:
        return self.text + _words(self.content)


class Message(Lenient):
    role: Literal["user", "assistant", "system"]
    content: str | tuple[Block, ...]

    @property
    def words(self) -> str:
        return _words(self.content)


class Conversation(Lenient):
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    system: str | tuple[Block, ...] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The system prompt and each message."""
        return (_words(self.system), *(each.words for each in self.messages))

    @property
    def last_user_text(self) -> str:
        texts = (each.words for each in reversed(self.messages) if each.role == "user")
        return next(texts, "")


def _words(content: str | tuple[Block, ...] | None) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.words for block in content or ())
