"""OpenAI's chat completions: the only module that imports the `openai` SDK."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import openai
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionToolUnionParam,
)
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from ag2trust_agent.conversation import (
    Answered,
    Asked,
    Conversation,
    Returned,
    ToolCall,
)
from ag2trust_agent.environment import required
from ag2trust_agent.errors import ModelCallError
from ag2trust_agent.protocol import Configuration, Tool

from . import failures
from .text import well_formed

__all__ = ["ChatCompletions", "connect"]

T = TypeVar("T")


class ChatCompletions:
    def __init__(
        self, client: openai.AsyncOpenAI, configuration: Configuration
    ) -> None:
        self._client = client
        self._configuration = configuration

    async def speak(
        self, conversation: Conversation
    ) -> AsyncGenerator[str | ToolCall, None]:
        try:
            async with await self._ask(conversation) as stream:
                async for piece in _pieces(stream):
                    yield piece
        except openai.OpenAIError as error:
            raise _explained(error) from error
        # The SDK does not validate the frames of a stream.
        except (AttributeError, TypeError, ValueError) as error:
            raise failures.malformed() from error

    async def _ask(
        self, conversation: Conversation
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        configured = self._configuration
        tools = [_tool(each) for each in configured.tools]
        return await self._client.chat.completions.create(
            model=configured.model,
            messages=[*_messages(configured.system_prompt, conversation)],
            temperature=_given(configured.temperature),
            # `max_tokens` is the old name, which reasoning models refuse.
            max_completion_tokens=_given(configured.max_tokens),
            tools=tools or openai.omit,
            stream=True,
        )


@asynccontextmanager
async def connect(configuration: Configuration) -> AsyncIterator[ChatCompletions]:
    """Open the model at `OPENAI_BASE_URL` with `OPENAI_API_KEY`.

    Both must be set: without an address the SDK would go around the runner's proxy.
    No proxy of the environment is used, since it would see the token in the address.
    """
    http = openai.DefaultAsyncHttpx2Client(trust_env=False)
    async with openai.AsyncOpenAI(
        api_key=required("OPENAI_API_KEY"),
        base_url=required("OPENAI_BASE_URL"),
        http_client=http,
    ) as client:
        yield ChatCompletions(client, configuration)


@dataclass(slots=True)
class _OpenCall:
    """A tool call as it comes: its arguments in pieces, the rest with the first."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def take(self, delta: ChoiceDeltaToolCall) -> None:
        self.id = delta.id or self.id
        if delta.function is not None:
            self.name += delta.function.name or ""
            self.arguments += delta.function.arguments or ""


async def _pieces(
    stream: openai.AsyncStream[ChatCompletionChunk],
) -> AsyncIterator[str | ToolCall]:
    finished: str | None = None
    calls: dict[int, _OpenCall] = {}
    async for chunk in stream:
        for choice in chunk.choices:
            finished = choice.finish_reason or finished
            if text := choice.delta.content or choice.delta.refusal:
                yield well_formed(text)
            for delta in choice.delta.tool_calls or ():
                calls.setdefault(delta.index, _OpenCall()).take(delta)
    _check_finish(finished)
    for _, call in sorted(calls.items()):
        yield ToolCall(call.id, call.name, well_formed(call.arguments))


def _check_finish(reason: str | None) -> None:
    """Raise where the SDK is content: a stream cut short between frames, say."""
    if reason is None:
        raise failures.broke_off()
    if reason == "content_filter":
        raise failures.content_filtered()


def _messages(
    system_prompt: str, conversation: Conversation
) -> Iterator[ChatCompletionMessageParam]:
    if system_prompt:
        yield {"role": "system", "content": system_prompt}
    for entry in conversation:
        match entry:
            case Asked(content=content):
                yield {"role": "user", "content": content}
            case Answered(content=content, calls=()):
                yield {"role": "assistant", "content": content}
            case Answered():
                yield _calling(entry)
            case Returned(results=results):
                for each in results:
                    yield {
                        "role": "tool",
                        "tool_call_id": each.call_id,
                        "content": each.content,
                    }


def _calling(answered: Answered) -> ChatCompletionMessageParam:
    return {
        "role": "assistant",
        "content": answered.content or None,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answered.calls
        ],
    }


def _tool(tool: Tool) -> ChatCompletionToolUnionParam:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }


def _given(value: T | None) -> T | openai.Omit:
    return openai.omit if value is None else value


def _explained(error: openai.OpenAIError) -> ModelCallError:
    match error:
        case openai.APITimeoutError():
            return failures.timed_out()
        case openai.APIConnectionError():
            return failures.unreachable()
        case openai.APIStatusError():
            return failures.refused(
                error.status_code, error.response.headers, error.code
            )
        case openai.APIError():
            return failures.failed(error.code)
        case _:
            return failures.failed()
