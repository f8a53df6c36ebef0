"""The stream of events, over stand-ins: what is sent, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from structlog.testing import capture_logs

from ag2trust.waiting import until
from gateway.access.authentication import Authentication, authenticating
from gateway.access.browsers import Browsers
from gateway.access.permissions import Permission, Role
from gateway.access.remembering import Remembering
from gateway.live_events import LiveEvents
from gateway.open_streams import OpenStreams
from gateway.routes.events import EventRoutes
from gateway.routing.idempotency import Idempotency
from gateway.routing.serving import routes_below
from shared.contracts.credential_events import CREDENTIAL_EXPIRED, CredentialExpired
from shared.event_stream import EventSource, Position
from shared.http import tell_errors
from shared.http_server import listening
from shared.ids import new_id
from shared.testing import FakeBus

from .conftest import OWNER_KEY
from .fakes import FakeApiKeys, FakeIdempotency
from .objects import ELSEWHERE, NOON, ORGANIZATION, SOME_ID

HEADERS = {"X-API-Key": OWNER_KEY}


def expired(*, org_id: object = ORGANIZATION, version: int = 1) -> CredentialExpired:
    return CredentialExpired.model_validate(
        {
            "id": new_id(),
            "org_id": org_id,
            "provider_id": SOME_ID,
            "provider_name": "p",
            "credential_version": version,
            "expires_at": NOON,
        }
    )


async def next_event(response: ClientResponse) -> dict[str, str]:
    """Read up to the next event, over comments and what is only for the client."""
    async with asyncio.timeout(20):
        while True:
            fields = {}
            while line := (await response.content.readline()).decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" in fields:
                return fields
            if response.content.at_eof():
                raise EOFError


@asynccontextmanager
async def stream(
    client: ClientSession, **headers: str
) -> AsyncIterator[ClientResponse]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get("/api/events", headers=given) as response:
        assert response.status == 200, await response.text()
        await response.content.readline()  # it listens from here on
        yield response


async def test_events_of_the_organization_come_as_they_happen(
    client: ClientSession, bus: FakeBus
) -> None:
    async with stream(client) as response:
        await bus.publish(CREDENTIAL_EXPIRED, expired(org_id=ELSEWHERE))
        event = expired()
        await bus.publish(CREDENTIAL_EXPIRED, event)
        told = await next_event(response)

    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["X-Request-Id"]
    assert response.headers["X-RateLimit-Limit"]
    assert told["event"] == "provider.credential_expired"
    assert CredentialExpired.model_validate_json(told["data"]) == event


async def test_who_comes_back_goes_on_from_the_last_event(
    client: ClientSession, bus: FakeBus
) -> None:
    async with stream(client) as response:
        await bus.publish(CREDENTIAL_EXPIRED, expired(version=1))
        last = await next_event(response)
    await bus.publish(CREDENTIAL_EXPIRED, expired(version=2))

    async with stream(client, Last_Event_ID=last["id"]) as response:
        told = await next_event(response)

    assert '"credential_version":2' in told["data"]


@pytest.mark.parametrize(
    "text", ["", "1", "x", "0" * 18 + "-a", "1" * 18 + "-" + "a" * 65]
)
async def test_what_is_no_id_of_an_event_is_named(
    client: ClientSession, text: str
) -> None:
    headers = {"Last-Event-ID": text}

    async with client.get("/api/events", headers=headers) as response:
        told = await response.json()

    assert response.status == 422
    assert told["details"]["fields"][0]["field"] == "Last-Event-ID"


async def test_without_nats_it_is_told_to_come_back(
    client: ClientSession, bus: FakeBus
) -> None:
    bus.is_connected = False

    async with client.get("/api/events") as response:
        assert response.status == 503


async def test_so_many_at_once_and_no_more(client: ClientSession) -> None:
    responses = [await client.get("/api/events") for _ in range(11)]

    assert [each.status for each in responses] == [200] * 10 + [429]
    for each in responses:
        each.close()


class Streaming:
    """The stream alone, reauthorized at every turn."""

    def __init__(self, bus: FakeBus, api_keys: FakeApiKeys) -> None:
        self.keys = Remembering(api_keys.principal, monotonic=lambda: float("inf"))
        authentication = Authentication(self.keys, self.keys, Browsers())
        self.streams = OpenStreams(authentication, reauthorized_every=timedelta(0))
        self.app = web.Application(
            middlewares=[tell_errors, authenticating(authentication, open_routes=[])]
        )
        routes = EventRoutes(LiveEvents(bus, self.streams))
        once = Idempotency(FakeIdempotency())
        self.app.add_routes(routes_below("/api", routes, idempotency=once))


async def test_a_stream_ends_with_the_right_to_see_it(
    bus: FakeBus, api_keys: FakeApiKeys
) -> None:
    streaming = Streaming(bus, api_keys)

    async with TestClient(TestServer(streaming.app)) as client:
        response = await client.get("/api/events", headers=HEADERS)
        await response.content.readuntil(b"still here\n\n")
        api_keys.keys.clear()
        async with asyncio.timeout(20):
            rest = await response.content.read()

    assert rest.replace(b": still here\n\n", b"") == b""


async def test_a_stream_ends_when_the_role_is_lost(
    bus: FakeBus, api_keys: FakeApiKeys
) -> None:
    streaming = Streaming(bus, api_keys)
    key = "cust_" + "s" * 40
    record = api_keys.give(key, Role.VIEWER)

    async with TestClient(TestServer(streaming.app)) as client:
        response = await client.get("/api/events", headers={"X-API-Key": key})
        await response.content.readuntil(b"still here\n\n")
        api_keys.narrow(record.id, frozenset({Permission.USAGE_READ}))
        async with asyncio.timeout(20):
            await response.content.read()

    assert response.content.at_eof()


async def test_streams_end_when_the_gateway_closes(
    bus: FakeBus, api_keys: FakeApiKeys
) -> None:
    streaming = Streaming(bus, api_keys)

    async with TestClient(TestServer(streaming.app)) as client:
        response = await client.get("/api/events", headers=HEADERS)
        streaming.streams.close()
        async with asyncio.timeout(20):
            await response.content.read()

    assert response.content.at_eof()


class SlowBus(FakeBus):
    """Takes its time to find the beginning of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def reading_events(
        self, org_id: UUID, after: Position | None
    ) -> AsyncIterator[EventSource]:
        self.was_asked.set()
        await self.may_answer.wait()
        async with super().reading_events(org_id, after) as source:
            yield source


async def test_who_leaves_before_a_stream_begins_is_no_failure(
    api_keys: FakeApiKeys,
) -> None:
    bus = SlowBus()
    streaming = Streaming(bus, api_keys)
    requests: list[web.Request] = []

    @web.middleware
    async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
        requests.append(request)
        return await handler(request)

    streaming.app.middlewares.insert(0, remember)
    head = f"GET /api/events HTTP/1.1\r\nHost: a\r\nX-API-Key: {OWNER_KEY}\r\n\r\n"

    with capture_logs() as logged:
        async with listening(streaming.app, host="127.0.0.1", port=0) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode())
            await bus.was_asked.wait()
            writer.transport.abort()
            await until("a reader that is gone", lambda: requests[0].transport is None)
            bus.may_answer.set()

    assert [each["event"] for each in logged] == ["stream.left"]
