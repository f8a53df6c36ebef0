"""The API of a large and busy organization, with the built dashboard in front of it.

Answers and events are the contracts' own: agents by the ten thousand, and calls by the
thousand a second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from aiohttp import web
from pydantic import BaseModel

from gateway.access.permissions import Role, permissions_of
from gateway.dashboard import dashboard_routes
from gateway.routes.sessions import CurrentSession, Me, OrganizationSummary
from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.base import Page
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallFinished, CallRecord, CallStatus, Usage

__all__ = ["AGENTS", "BusyGateway", "busy_gateway"]

AGENTS = 10_000

_DIST = Path(__file__).parents[2] / "services/gateway/dashboard/dist"
_ORG = UUID(int=1)
_TICK_SECONDS = 0.02


class BusyGateway:
    """*rate* events a second go to whoever listens, until *events* were sent."""

    def __init__(self, *, rate: int, events: int) -> None:
        self._rate = rate
        self._events = events
        self._agents = [_agent(number) for number in range(AGENTS)]
        self._closed = asyncio.Event()
        self.all_sent = asyncio.Event()
        self.sent = 0

    def close(self) -> None:
        """Let every stream end."""
        self._closed.set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/sessions/current", self._session),
            web.get("/api/agents", self._list_agents),
            web.get("/api/events", self._stream),
            web.get("/api/{rest:.*}", self._nothing),
            *dashboard_routes(_DIST),
        ]

    async def _session(self, _: web.Request) -> web.Response:
        me = Me(
            kind="api_key",
            id=uuid4(),
            role=Role.VIEWER,
            permissions=sorted(permissions_of(Role.VIEWER)),
            organization=OrganizationSummary(id=_ORG, name="Large"),
            user=None,
            csrf_token=None,
        )
        return _json(CurrentSession(me=me))

    async def _list_agents(self, request: web.Request) -> web.Response:
        start = int(request.query.get("cursor", "0"))
        end = start + int(request.query.get("limit", "50"))
        cursor = str(end) if end < AGENTS else None
        return _json(Page[Agent](data=self._agents[start:end], next_cursor=cursor))

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [], "next_cursor": None})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self.sent < self._events:
            due = min(self._events, int((loop.time() - began) * self._rate))
            frames = [_frame(number) for number in range(self.sent, due)]
            self.sent = max(self.sent, due)
            await response.write("".join(frames).encode())
            await asyncio.sleep(_TICK_SECONDS)
        self.all_sent.set()
        await self._closed.wait()
        return response


@asynccontextmanager
async def busy_gateway(
    *, rate: int, events: int
) -> AsyncIterator[tuple[str, BusyGateway]]:
    """Serve on loopback; yields the address."""
    gateway = BusyGateway(rate=rate, events=events)
    app = web.Application()
    app.add_routes(gateway.routes())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}", gateway
    finally:
        gateway.close()
        await runner.cleanup()


def _agent(number: int) -> Agent:
    made = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number)
    return Agent(
        id=UUID(int=number + 1),
        name=f"agent-{number:05}",
        agent_type_id=UUID(int=7),
        agent_type_version=1,
        desired_state=DesiredState.RUNNING,
        status=AgentStatus.RUNNING,
        status_reason=None,
        restart_required=False,
        runner="runner-1",
        version=1,
        created_at=made,
        updated_at=made,
        started_at=made,
    )


def _frame(number: int) -> str:
    call = CallRecord(
        call_id=UUID(int=number + 1),
        org_id=_ORG,
        agent_id=UUID(int=1),
        agent_type_id=UUID(int=7),
        provider_id=UUID(int=8),
        provider_type=ProviderType.OPENAI,
        model="gpt-5-mini",
        endpoint="chat.completions",
        is_streamed=False,
        runner="runner-1",
        request_id=f"req_{number}",
        status=CallStatus.COMPLETED,
        started_at=datetime.now(UTC),
        duration_ms=820,
        usage=Usage(input_tokens=100, output_tokens=number),
    )
    event = CallFinished(id=call.call_id, org_id=_ORG, call=call)
    return f"id: {number}\nevent: call.finished\ndata: {event.model_dump_json()}\n\n"


def _json(answer: BaseModel) -> web.Response:
    return web.Response(text=answer.model_dump_json(), content_type="application/json")
