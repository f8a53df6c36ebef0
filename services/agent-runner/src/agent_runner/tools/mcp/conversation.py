"""One conversation with an MCP server over streamable HTTP, through the guarded client.

The client of the official package is not used, its types are: it follows redirects,
opens a stream for whatever the server wants to say, reads answers of any length, and
checks what comes against schemas that the server wrote.

A server is believed nothing. It gets one request after another, each a POST of ours; no
redirect is followed, so its token goes nowhere else; what it may send is bounded, and
so is the time. Nothing is offered to it (no sampling, no roots), and what
it asks of its own is not answered.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ClientCapabilities,
    Implementation,
    InitializeRequestParams,
    InitializeResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION
from multidict import CIMultiDictProxy
from pydantic import BaseModel, ValidationError

from agent_runner.server_sent_events import EventSplitter, EventTooLongError
from shared.contracts.mcp_servers import LeasedMcpServer
from shared.guarded_http import GuardedHttp, OutgoingError, StreamedAnswer
from shared.timeouts import timeout

from .failures import McpFailedError, McpRefusedError
from .messages import notification, request, result_in, result_in_events

__all__ = ["Conversation", "conversing"]

ReadT = TypeVar("ReadT", bound=BaseModel)

_MOST_BYTES = 1024 * 1024
_MOST_LISTED_BYTES = 256 * 1024
_MOST_PAGES = 20
_MOST_TOOLS = 100
_GOODBYE_WITHIN = timedelta(seconds=2)
_SESSION_HEADER = "Mcp-Session-Id"
_EVENT_STREAM = "text/event-stream"
_JSON = "application/json"
# The specification: visible ASCII. The length is ours.
_SESSION_ID = re.compile(r"[!-~]{1,256}")
# The first version that has streamable HTTP.
_VERSIONS = HANDSHAKE_PROTOCOL_VERSIONS[
    HANDSHAKE_PROTOCOL_VERSIONS.index("2025-03-26") :
]
_TOO_LONG = "The MCP server sends more than is taken of it."


class Conversation:
    """Made by `conversing`. Every method raises an `OutgoingError`."""

    def __init__(self, http: GuardedHttp, server: LeasedMcpServer) -> None:
        self._http = http
        self._server = server
        self._headers: dict[str, str] = {}
        self._number = 0
        self._left = _MOST_BYTES

    async def begin(self) -> None:
        params = InitializeRequestParams(
            protocol_version=LATEST_HANDSHAKE_VERSION,
            capabilities=ClientCapabilities(),
            client_info=Implementation(name="Ag2Trust", version="1"),
        )
        answer = await self._asked("initialize", params, InitializeResult)
        if answer.protocol_version not in _VERSIONS:
            raise McpFailedError("The MCP server speaks no version that we do.")
        self._headers["MCP-Protocol-Version"] = answer.protocol_version
        await self._told("notifications/initialized")

    async def tools(self) -> list[Tool]:
        """List its tools, all pages of them."""
        tools: list[Tool] = []
        cursor: str | None = None
        before = self._left
        for _ in range(_MOST_PAGES):
            params = PaginatedRequestParams(cursor=cursor)
            page = await self._asked("tools/list", params, ListToolsResult)
            tools += page.tools
            if before - self._left > _MOST_LISTED_BYTES or len(tools) > _MOST_TOOLS:
                raise McpFailedError(
                    f"The MCP server lists more than {_MOST_TOOLS} tools, or more than "
                    f"{_MOST_LISTED_BYTES} bytes of them."
                )
            if (cursor := page.next_cursor) is None:
                return tools
        raise McpFailedError("The MCP server's list of tools does not end.")

    async def call(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        params = CallToolRequestParams(name=name, arguments=dict(arguments))
        return await self._asked("tools/call", params, CallToolResult)

    async def end(self) -> None:
        """Say goodbye, if there is a session; it matters to nobody whether it hears."""
        if _SESSION_HEADER not in self._headers:
            return
        with suppress(OutgoingError, TimeoutError):
            async with (
                timeout(_GOODBYE_WITHIN.total_seconds()),
                self._http.streamed("DELETE", self._server.url, headers=self._said()),
            ):
                pass

    async def _asked(self, method: str, params: BaseModel, kind: type[ReadT]) -> ReadT:
        self._number += 1
        fields = params.model_dump(mode="json", by_alias=True, exclude_none=True)
        body = request(self._number, method, fields)
        async with self._posted(body) as answer:
            _require_success(answer.status)
            self._note_session(answer.headers)
            result = await self._result(answer)
        try:
            return kind.model_validate(result)
        except (ValidationError, RecursionError):
            raise McpFailedError(
                f"The MCP server's answer to {method} is none of MCP."
            ) from None

    async def _told(self, method: str) -> None:
        async with self._posted(notification(method)) as answer:
            _require_success(answer.status)

    @asynccontextmanager
    async def _posted(self, body: bytes) -> AsyncIterator[StreamedAnswer]:
        headers = self._said() | {
            "Content-Type": _JSON,
            "Accept": f"{_JSON}, {_EVENT_STREAM}",
        }
        async with self._http.streamed(
            "POST", self._server.url, headers=headers, body=body
        ) as answer:
            yield answer

    def _said(self) -> dict[str, str]:
        headers = {**self._headers, "Accept-Encoding": "identity"}
        if self._server.token is not None:
            token = self._server.token.get_secret_value()
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _note_session(self, headers: CIMultiDictProxy[str]) -> None:
        session = headers.get(_SESSION_HEADER)
        if session is None or _SESSION_HEADER in self._headers:
            return
        if not _SESSION_ID.fullmatch(session):
            raise McpFailedError("The MCP server's session id is none.")
        self._headers[_SESSION_HEADER] = session

    async def _result(self, answer: StreamedAnswer) -> dict[str, Any]:
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type.lower() == _EVENT_STREAM:
            return await self._result_in_stream(answer)
        body = b"".join([piece async for piece in self._bounded(answer)])
        return result_in(body, self._number)

    async def _result_in_stream(self, answer: StreamedAnswer) -> dict[str, Any]:
        """Read events until one of them is the answer; the rest is left unread."""
        splitter = EventSplitter()
        try:
            async for piece in self._bounded(answer):
                events = splitter.feed(piece)
                if (found := result_in_events(events, self._number)) is not None:
                    return found
        except EventTooLongError as error:
            raise McpFailedError(_TOO_LONG) from error
        raise McpFailedError("The MCP server's stream ended without the answer.")

    async def _bounded(self, answer: StreamedAnswer) -> AsyncIterator[bytes]:
        async for piece in answer.pieces:
            self._left -= len(piece)
            if self._left < 0:
                raise McpFailedError(_TOO_LONG)
            yield piece


@asynccontextmanager
async def conversing(
    http: GuardedHttp, server: LeasedMcpServer, *, within: timedelta
) -> AsyncIterator[Conversation]:
    """Hold a conversation, which ends with the block, or after *within*.

    Raises `TimeoutError`. The goodbye has a time of its own: all has been said by then.
    """
    conversation = Conversation(http, server)
    async with timeout(within.total_seconds()):
        await conversation.begin()
        yield conversation
    await conversation.end()


def _require_success(status: int) -> None:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise McpRefusedError(
            f"The MCP server refuses us (HTTP {status}): see to its token."
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise McpFailedError("The MCP server redirects, which is not followed.")
    if status >= HTTPStatus.BAD_REQUEST:
        raise McpFailedError(f"The MCP server answered HTTP {status}.")
