"""Anthropic's messages: the only module that imports the `anthropic` SDK."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypedDict

import anthropic
import httpx2
from anthropic.types import (
    MessageParam,
    RawMessageStreamEvent,
    TextBlockParam,
    ToolResultBlockParam,
    ToolUnionParam,
    ToolUseBlockParam,
)

from ag2trust_agent.conversation import (
    Answered,
    Asked,
    Conversation,
    Returned,
    ToolCall,
    ToolResult,
)
from ag2trust_agent.environment import required
from ag2trust_agent.errors import ModelCallError
from ag2trust_agent.protocol import Configuration, Tool

from . import failures
from .text import arguments_of, well_formed

__all__ = ["AnthropicMessages", "connect"]

_MOST_TOKENS = 4096
"""Where the agent type sets no limit: this API wants one, and every model can this."""


class _Sampling(TypedDict, total=False):
    extra_body: dict[str, float]
    extra_headers: dict[str, str]


class AnthropicMessages:
    def __init__(
        self, client: anthropic.AsyncAnthropic, configuration: Configuration
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
        except anthropic.AnthropicError as error:
            raise _explained(error) from error
        # The SDK does not translate what happens to the connection amid a stream.
        except httpx2.TransportError as error:
            raise failures.unreachable() from error
        # It does not validate the frames of one either.
        except (AttributeError, TypeError, ValueError) as error:
            raise failures.malformed() from error

    async def _ask(
        self, conversation: Conversation
    ) -> anthropic.AsyncStream[RawMessageStreamEvent]:
        configured = self._configuration
        return await self._client.messages.create(
            model=configured.model,
            messages=[_message(each) for each in conversation],
            system=configured.system_prompt or anthropic.omit,
            max_tokens=configured.max_tokens or _MOST_TOKENS,
            tools=[_tool(each) for each in configured.tools] or anthropic.omit,
            stream=True,
            **_sampling(configured),
        )


@asynccontextmanager
async def connect(configuration: Configuration) -> AsyncIterator[AnthropicMessages]:
    """Open the model at `ANTHROPIC_BASE_URL` with `ANTHROPIC_API_KEY`.

    Both must be set: without an address the SDK would go around the runner's proxy.
    No proxy of the environment is used, since it would see the token in the address:
    the SDK's own HTTP client takes them whatever it is told.
    """
    http = httpx2.AsyncClient(trust_env=False, timeout=anthropic.DEFAULT_TIMEOUT)
    async with anthropic.AsyncAnthropic(
        api_key=required("ANTHROPIC_API_KEY"),
        base_url=required("ANTHROPIC_BASE_URL"),
        http_client=http,
    ) as client:
        yield AnthropicMessages(client, configuration)


@dataclass(slots=True)
class _OpenCall:
    """A tool call as it comes: its arguments in pieces."""

    id: str
    name: str
    arguments: str = ""


async def _pieces(
    stream: anthropic.AsyncStream[RawMessageStreamEvent],
) -> AsyncIterator[str | ToolCall]:
    stopped: str | None = None
    calls: dict[int, _OpenCall] = {}
    async for event in stream:
        match event.type:
            case "content_block_start" if event.content_block.type == "tool_use":
                block = event.content_block
                calls[event.index] = _OpenCall(block.id, block.name)
            case "content_block_delta" if event.delta.type == "text_delta":
                yield well_formed(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                calls[event.index].arguments += event.delta.partial_json
            case "message_delta":
                stopped = event.delta.stop_reason or stopped
            case _:
                pass
    _check_stop(stopped)
    for call in calls.values():
        yield ToolCall(call.id, call.name, well_formed(call.arguments) or "{}")


def _check_stop(reason: str | None) -> None:
    """Raise where the SDK is content: a stream cut short between frames, say."""
    if reason is None:
        raise failures.broke_off()
    if reason == "refusal":
        raise failures.content_filtered()


def _message(entry: Asked | Answered | Returned) -> MessageParam:
    match entry:
        case Asked(content=content):
            return {"role": "user", "content": content}
        case Answered(content=content, calls=()):
            return {"role": "assistant", "content": content}
        case Answered():
            return {"role": "assistant", "content": _calling(entry)}
        case Returned(results=results):
            return {"role": "user", "content": [_returned(each) for each in results]}


def _calling(answered: Answered) -> list[TextBlockParam | ToolUseBlockParam]:
    """Make the blocks of an answer that calls tools; blank text would be refused."""
    blocks: list[TextBlockParam | ToolUseBlockParam] = []
    if answered.content.strip():
        blocks.append({"type": "text", "text": answered.content})
    blocks += [_tool_use(call) for call in answered.calls]
    return blocks


def _tool_use(call: ToolCall) -> ToolUseBlockParam:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": arguments_of(call.arguments),
    }


def _returned(result: ToolResult) -> ToolResultBlockParam:
    return {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": result.content,
        "is_error": result.is_error,
    }


def _tool(tool: Tool) -> ToolUnionParam:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": {"type": "object", **tool.parameters},
    }


def _sampling(configured: Configuration) -> _Sampling:
    """Say the temperature as the SDK does not any more: the API's older version has it.

    Models that take none at all refuse it, which the message's failure then says.
    """
    if configured.temperature is None:
        return {}
    return {
        "extra_body": {"temperature": configured.temperature},
        "extra_headers": {"anthropic-version": "2023-06-01"},
    }


def _explained(error: anthropic.AnthropicError) -> ModelCallError:
    match error:
        case anthropic.APITimeoutError():
            return failures.timed_out()
        case anthropic.APIConnectionError():
            return failures.unreachable()
        case anthropic.APIStatusError():
            return failures.refused(
                error.status_code, error.response.headers, error.error_code, error.type
            )
        case _:
            return failures.failed()
