"""What an agent prints, as server-sent events, from whichever runner hears it."""

import asyncio
import json

import structlog
from aiohttp import web

from shared.bus import Bus
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    GET_AGENT,
    AgentLogs,
    AgentQuestion,
    LogPosition,
    LogsQuestion,
)
from shared.errors import AgentNotFoundError, AppError, UnavailableError

from .access.permissions import Permission
from .event_stream import CallerGoneError, EventStream
from .open_streams import OpenStreams, Pass
from .routing.asked import Asked

__all__ = ["LiveLogs"]

log = structlog.get_logger(__name__)

_LISTEN_SECONDS = 4.0
_PAUSE_SECONDS = 1.0


class LiveLogs:
    """Streams that end with the agent, with the right to see it, or with the gateway.

    The runner is asked for more once the reader has taken what there was: who reads
    slowly holds nobody up, and misses what is too old by then.
    """

    def __init__(self, bus: Bus, streams: OpenStreams) -> None:
        self._bus = bus
        self._streams = streams

    async def stream(
        self, asked: Asked, after: LogPosition | None
    ) -> web.StreamResponse:
        """Answer with the last lines, or those *after* a position, and what follows.

        Raises `AgentNotFoundError`, and `LimitedError` for too many streams at once.
        """
        request = asked.http
        agent = AgentQuestion(org_id=asked.org_id, actor=asked.actor, agent_id=asked.id)
        with self._streams.admit(
            request, asked.who, Permission.AGENTS_READ
        ) as admitted:
            await self._bus.ask(GET_AGENT, agent)
            response = web.StreamResponse()
            stream = EventStream(request, response)
            try:
                await stream.open()
                await self._follow(stream, admitted, agent, after)
            except CallerGoneError:
                stream.abort()
            except AppError as error:
                log.info("stream.ended", reason=error.code)
            return response

    async def _follow(
        self,
        stream: EventStream,
        admitted: Pass,
        agent: AgentQuestion,
        after: LogPosition | None,
    ) -> None:
        while not admitted.has_ended:
            if not admitted.seconds_left:
                await admitted.renew()
            try:
                logs = await self._heard(agent, after)
            except AgentNotFoundError:
                await stream.send("deleted", "{}")
                return
            after = logs.position or after
            if logs.lines:
                await _tell(stream, logs)
            else:
                await stream.keep_alive()

    async def _heard(
        self, agent: AgentQuestion, after: LogPosition | None
    ) -> AgentLogs:
        """Ask for lines, and take as long as it may where there is none."""
        question = LogsQuestion(
            **dict(agent), is_followed=True, after=after, wait_seconds=_LISTEN_SECONDS
        )
        asked_at = _time()
        try:
            logs = await self._bus.ask(AGENT_LOGS, question)
        except UnavailableError:
            logs = AgentLogs(lines=[])  # its runner may be back, or another take over
        if not logs.lines and _time() - asked_at < _LISTEN_SECONDS:
            await asyncio.sleep(_PAUSE_SECONDS)
        return logs


async def _tell(stream: EventStream, logs: AgentLogs) -> None:
    data = {"lines": logs.lines, "has_skipped": logs.has_skipped}
    position = logs.position
    name = f"{position.output}:{position.offset}" if position else ""
    await stream.send("lines", json.dumps(data), event_id=name)


def _time() -> float:
    return asyncio.get_running_loop().time()
