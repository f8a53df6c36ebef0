"""Answering a message: the model speaks, calls tools, and speaks again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from .conversation import Answered, Asked, Returned, ToolCall
from .errors import ModelCallError
from .models import Model
from .protocol import Message, Runner

__all__ = ["MOST_ROUNDS", "answer"]

MOST_ROUNDS = 10


async def answer(
    model: Model, runner: Runner, message: Message
) -> AsyncGenerator[str, None]:
    """Stream the answer's text, that between the rounds of tools included.

    Raises `ModelCallError`: what the model's call raised, or `TOOL_ROUNDS_EXCEEDED`.
    """
    conversation = _opening(message)
    for rounds in range(MOST_ROUNDS + 1):
        said: list[str] = []
        calls: list[ToolCall] = []
        async with aclosing(model.speak(conversation)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ToolCall):
                    calls.append(piece)
                else:
                    said.append(piece)
                    yield piece
        if not calls:
            return
        if rounds < MOST_ROUNDS:
            results = [
                await runner.use_tool(message.message_id, each) for each in calls
            ]
            conversation.append(Answered("".join(said), tuple(calls)))
            conversation.append(Returned(tuple(results)))
    raise ModelCallError(
        "TOOL_ROUNDS_EXCEEDED",
        f"The model had no answer after {MOST_ROUNDS} rounds of tools.",
    )


def _opening(message: Message) -> list[Asked | Answered | Returned]:
    """Begin with the history of the thread, and the message to answer.

    A turn of which one half is blank is left out whole: providers refuse blank text,
    and words that do not alternate.
    """
    turns = zip(message.history[::2], message.history[1::2], strict=False)
    conversation: list[Asked | Answered | Returned] = []
    for asked, answered in turns:
        if asked.content.strip() and answered.content.strip():
            conversation += [Asked(asked.content), Answered(answered.content)]
    return [*conversation, Asked(message.content)]
