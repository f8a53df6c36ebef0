"""Amazon Bedrock's Converse: the only module that imports `boto3`.

boto3 blocks, so each call is made in a thread of its own. It is a daemon: one that
waits for a silent model does not keep a stopping agent from its end.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - that is what boto3 raises
    HTTPClientError,
    ReadTimeoutError,
)
from urllib3.exceptions import HTTPError

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

__all__ = ["BedrockConverse", "connect"]

_CONFIG = Config(
    # None of the environment's: it would see the token in the address.
    proxies={},
    connect_timeout=10,
    read_timeout=600,
    retries={"mode": "standard", "total_max_attempts": 3},
)
_FILTERED = frozenset({"content_filtered", "guardrail_intervened"})

JsonObject = dict[str, Any]


class BedrockConverse:
    def __init__(self, client: Any, configuration: Configuration) -> None:
        self._client = client
        self._configuration = configuration

    async def speak(
        self, conversation: Conversation
    ) -> AsyncGenerator[str | ToolCall, None]:
        request = _request(self._configuration, conversation)
        try:
            async for piece in _pieces(_in_a_thread(lambda: self._events(request))):
                yield piece
        except (ClientError, BotoCoreError) as error:
            raise _explained(error) from error
        # boto3 lets pass what happens to the connection amid a stream, and to frames.
        except HTTPError as error:
            raise failures.unreachable() from error
        except (ParserError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise failures.malformed() from error

    def _events(self, request: JsonObject) -> Iterator[JsonObject]:
        with closing(self._client.converse_stream(**request)["stream"]) as stream:
            yield from stream


@asynccontextmanager
async def connect(configuration: Configuration) -> AsyncIterator[BedrockConverse]:
    """Open the model at `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` with AWS's own variables.

    The address must be set: without it boto3 would go around the runner's proxy.
    """
    client = boto3.Session().client(
        "bedrock-runtime",
        endpoint_url=required("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        region_name=required("AWS_REGION"),
        config=_CONFIG,
    )
    with closing(client):
        yield BedrockConverse(client, configuration)


async def _in_a_thread(
    events: Callable[[], Iterator[JsonObject]],
) -> AsyncGenerator[JsonObject, None]:
    """Give *events*, or raise what they raise, without blocking.

    When nobody wants them any more, the thread ends with the next one.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[JsonObject | Exception | None] = asyncio.Queue()
    is_wanted = threading.Event()
    is_wanted.set()

    def pass_on(said: JsonObject | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: the agent has ended
            loop.call_soon_threadsafe(queue.put_nowait, said)

    def run() -> None:
        try:
            with closing(events()) as given:  # type: ignore[type-var]  # a generator
                for each in given:
                    if not is_wanted.is_set():
                        return
                    pass_on(each)
        except Exception as error:  # noqa: BLE001 - raised on the other side
            pass_on(error)
        else:
            pass_on(None)

    threading.Thread(target=run, name="bedrock", daemon=True).start()
    try:
        while (said := await queue.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said
    finally:
        is_wanted.clear()


@dataclass(slots=True)
class _OpenCall:
    """A tool call as it comes: its arguments in pieces."""

    id: str
    name: str
    arguments: str = ""


async def _pieces(
    events: AsyncIterator[JsonObject],
) -> AsyncIterator[str | ToolCall]:
    stopped: str | None = None
    calls: dict[int, _OpenCall] = {}
    async for event in events:
        match event:
            case {"contentBlockStart": {"contentBlockIndex": index, "start": start}}:
                if call := start.get("toolUse"):
                    calls[index] = _OpenCall(call["toolUseId"], call["name"])
            case {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}:
                if text := delta.get("text"):
                    yield well_formed(text)
                if call := delta.get("toolUse"):
                    calls[index].arguments += call["input"]
            case {"messageStop": {"stopReason": reason}}:
                stopped = reason
            case _:
                pass
    _check_stop(stopped)
    for each in calls.values():
        yield ToolCall(each.id, each.name, well_formed(each.arguments) or "{}")


def _check_stop(reason: str | None) -> None:
    """Raise where boto3 is content: a stream cut short between frames, say."""
    if reason is None:
        raise failures.broke_off()
    if reason in _FILTERED:
        raise failures.content_filtered()


def _request(configured: Configuration, conversation: Conversation) -> JsonObject:
    """Say it as boto3 wants it: what is not set is not there."""
    limits = {
        "temperature": configured.temperature,
        "maxTokens": configured.max_tokens,
    }
    request: JsonObject = {
        "modelId": configured.model,
        "messages": [_message(each) for each in conversation],
        "inferenceConfig": {
            name: value for name, value in limits.items() if value is not None
        },
    }
    if configured.system_prompt:
        request["system"] = [{"text": configured.system_prompt}]
    if configured.tools:
        tools = [_tool(each) for each in configured.tools]
        request["toolConfig"] = {"tools": tools}
    return request


def _message(entry: Asked | Answered | Returned) -> JsonObject:
    match entry:
        case Asked(content=content):
            return {"role": "user", "content": [{"text": content}]}
        case Answered():
            return {"role": "assistant", "content": _blocks(entry)}
        case Returned(results=results):
            return {"role": "user", "content": [_returned(each) for each in results]}


def _blocks(answered: Answered) -> list[JsonObject]:
    """Make the blocks of an answer; blank text would be refused."""
    text = [{"text": answered.content}] if answered.content.strip() else []
    calls = [
        {
            "toolUse": {
                "toolUseId": call.id,
                "name": call.name,
                "input": arguments_of(call.arguments),
            }
        }
        for call in answered.calls
    ]
    return [*text, *calls]


def _returned(result: ToolResult) -> JsonObject:
    return {
        "toolResult": {
            "toolUseId": result.call_id,
            "content": [{"text": result.content}],
            "status": "error" if result.is_error else "success",
        }
    }


def _tool(tool: Tool) -> JsonObject:
    return {
        "toolSpec": {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": {"json": {"type": "object", **tool.parameters}},
        }
    }


def _explained(error: ClientError | BotoCoreError) -> ModelCallError:
    match error:
        case ClientError():
            return _refused(error)
        case ReadTimeoutError():
            return failures.timed_out()
        case HTTPClientError() | ConnectionError():
            return failures.unreachable()
        case _:
            return failures.failed(type(error).__name__)


def _refused(error: ClientError) -> ModelCallError:
    """Read a refusal; one inside a stream has no status that means it."""
    name = error.response.get("Error", {}).get("Code")
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    if status is None:
        return failures.failed(name)
    return failures.refused(status, metadata.get("HTTPHeaders", {}), name)
