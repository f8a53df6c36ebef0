"""The client: every operation of the API, whole lists, and what streams."""

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import aiohttp
from pydantic import JsonValue

from .connection import segment
from .errors import (
    LimitedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from .models import AgentMessage, MessageSubmission
from .operations import Operations
from .server_sent import ServerSent, lines_of, server_sent

__all__ = [
    "Answer",
    "Client",
    "Delta",
    "Event",
    "Lines",
    "Page",
    "Restart",
    "StreamedMessage",
    "every",
]

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)

_LONGEST_PAGE = 200
_COME_BACK_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.5
_MESSAGE_ID = "X-Ag2trust-Message-Id"
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=60.0)


@dataclass(frozen=True, slots=True)
class Delta:
    """More of the answer."""

    content: str


@dataclass(frozen=True, slots=True)
class Restart:
    """The answer begins anew; what came so far counts no more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The message as it is stored; without a final status, time was up."""

    message: AgentMessage


StreamedMessage = Delta | Restart | Answer


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; *name* is `noun.past_participle`.

    *id* is where to go on from.
    """

    id: str | None
    name: str
    body: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Lines:
    """What an agent printed; *has_skipped* where lines before these are missing."""

    lines: tuple[str, ...]
    has_skipped: bool


class Page(Protocol[ItemT_co]):
    """What lists answer with."""

    @property
    def data(self) -> Sequence[ItemT_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


async def every(
    list_page: Callable[..., Awaitable[Page[ItemT]]], **query: Any
) -> AsyncGenerator[ItemT]:
    """Give every item of a list, page by page; *query* is what the list takes."""
    cursor = None
    while True:
        page = await list_page(**query, limit=_LONGEST_PAGE, cursor=cursor)
        for item in page.data:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return


class Client(Operations):
    """Ag2Trust's HTTP API, as whoever the key is.

    Errors are `Ag2TrustError`; `RefusedError` has the published code.

        async with Client("http://127.0.0.1:8080", key) as client:
            async for agent in every(client.list_agents):
                print(agent.name)
    """

    def streamed_ask(
        self, slug: str, body: MessageSubmission
    ) -> AsyncGenerator[StreamedMessage, None]:
        """Ask an agent type, and give its answer as it is made, last the whole."""
        return self._streamed(f"/api/ask/{segment(slug)}", body)

    def streamed_message(
        self, agent_id: UUID, body: MessageSubmission
    ) -> AsyncGenerator[StreamedMessage, None]:
        """Send a message to an agent, and give its answer as it is made."""
        return self._streamed(f"/api/agents/{agent_id}/messages", body)

    async def events(
        self, after: str | None = None, *, come_back_seconds: float = _COME_BACK_SECONDS
    ) -> AsyncGenerator[Event]:
        """Give what happens in the organization from now on, or *after* an event.

        A connection that breaks off is made anew, and goes on where it was. It ends
        with an error when the right to see events does.
        """
        sent = self._followed("/api/events", after, come_back_seconds)
        async with aclosing(sent) as told:
            async for each in told:
                yield Event(each.id, each.name, json.loads(each.data))

    async def followed_logs(
        self, agent_id: UUID, *, come_back_seconds: float = _COME_BACK_SECONDS
    ) -> AsyncGenerator[Lines]:
        """Give the last lines an agent wrote and what follows, until it is deleted.

        A connection that breaks off is made anew, and goes on where it was.
        """
        path = f"/api/agents/{agent_id}/logs?follow=true"
        async with aclosing(self._followed(path, None, come_back_seconds)) as told:
            async for each in told:
                if each.name == "deleted":
                    return
                said = json.loads(each.data)
                yield Lines((*said["lines"],), said["has_skipped"])

    async def _followed(
        self, path: str, after: str | None, come_back_seconds: float
    ) -> AsyncGenerator[ServerSent]:
        while True:
            pause = come_back_seconds
            try:
                async with self._answered(
                    "GET",
                    path,
                    headers={"Last-Event-ID": after} if after else {},
                    timeout=_PATIENCE,
                ) as response:
                    async for each in _sent_in(response):
                        after = each.id
                        yield each
            except UnreachableError:
                pass
            except (UnavailableError, LimitedError) as refusal:
                pause = max(pause, refusal.retry_after_seconds or 0.0)
            await asyncio.sleep(pause)

    async def _streamed(
        self, path: str, body: MessageSubmission
    ) -> AsyncGenerator[StreamedMessage, None]:
        """Once a message is accepted, a connection that breaks off loses no answer."""
        streamed = body.model_copy(update={"stream": True})
        message_id = None
        try:
            async with self._answered(
                "POST", path, headers={}, json=streamed, timeout=_PATIENCE
            ) as response:
                message_id = UUID(response.headers[_MESSAGE_ID])
                async for each in _sent_in(response):
                    piece = _piece(each)
                    yield piece
                    if isinstance(piece, Answer):
                        return
        except UnreachableError:
            if message_id is None:
                raise
        yield Answer(await self._stored(message_id, within=body.timeout_seconds))

    async def _stored(self, message_id: UUID, *, within: float) -> AgentMessage:
        """Look until the message is final, or the time is up."""
        until = asyncio.get_running_loop().time() + within
        while True:
            message = await self.get_message(message_id)
            if message.finished_at or asyncio.get_running_loop().time() > until:
                return message
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _sent_in(response: aiohttp.ClientResponse) -> AsyncIterator[ServerSent]:
    return server_sent(lines_of(response.content.iter_any()))


def _piece(sent: ServerSent) -> StreamedMessage:
    match sent.name:
        case "delta":
            return Delta(json.loads(sent.data)["content"])
        case "restart":
            return Restart()
        case "completed" | "failed" | "pending":
            return Answer(AgentMessage.model_validate_json(sent.data))
        case _:
            raise UnexpectedAnswerError(
                f"There is no event {sent.name!r} in an answer."
            )
