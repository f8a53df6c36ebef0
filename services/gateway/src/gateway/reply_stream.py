"""The answer to a message as server-sent events: its pieces, then the message."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from shared.contracts.conversations import AgentMessage, MessageStatus

from .event_stream import CallerGoneError, EventStream
from .reply_pieces import Delta, Restart
from .waiting import News, Submission

__all__ = ["reply_stream"]


async def reply_stream(
    request: web.Request, submission: Submission[Any], news: AsyncIterator[News]
) -> web.StreamResponse:
    """Tell *news* of what was submitted until they end, or their reader leaves."""
    response = web.StreamResponse(headers=_headers(submission))
    stream = EventStream(request, response)
    try:
        await stream.open()
        async for each in news:
            await _tell(stream, each)
    except CallerGoneError:
        stream.abort()
    return response


async def _tell(stream: EventStream, news: News) -> None:
    match news:
        case Delta(content=content):
            await stream.send("delta", json.dumps({"content": content}))
        case Restart():
            await stream.send("restart", "{}")
        case AgentMessage():
            await stream.send(_event_of(news.status), news.model_dump_json())
        case None:
            await stream.keep_alive()


def _event_of(status: MessageStatus) -> str:
    if status is MessageStatus.COMPLETED:
        return "completed"
    return "failed" if status.is_final else "pending"


def _headers(submission: Submission[Any]) -> Mapping[str, str]:
    """Tell the ids at once: with them an answer is found that was not heard out."""
    return {
        "X-Ag2trust-Message-Id": str(submission.message_id),
        "X-Ag2trust-Thread-Id": str(submission.thread_id),
    }
