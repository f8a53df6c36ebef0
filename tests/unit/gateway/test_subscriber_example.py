"""The example of a subscriber, against the gateway's own stream."""

import asyncio
import runpy
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from shared.contracts.credential_events import CREDENTIAL_EXPIRED, CredentialExpired
from shared.testing import FakeBus

from .conftest import OWNER_KEY
from .objects import ELSEWHERE, NOON, ORGANIZATION, SOME_ID

EXAMPLE = Path(__file__).parents[3] / "examples" / "events" / "subscribe.py"


def expired(org_id: object, version: int) -> CredentialExpired:
    return CredentialExpired.model_validate(
        {
            "id": f"01900000-0000-7000-8000-{version:012}",
            "org_id": org_id,
            "provider_id": SOME_ID,
            "provider_name": "p",
            "credential_version": version,
            "expires_at": NOON,
        }
    )


async def test_the_example_takes_each_event_of_its_organization_and_goes_on(
    client: ClientSession, bus: FakeBus
) -> None:
    follow: Any = runpy.run_path(str(EXAMPLE))["follow"]
    url = str(client._base_url).rstrip("/")
    async with client.get("/api/events") as response:
        await response.content.readline()
        await bus.publish(CREDENTIAL_EXPIRED, expired(ORGANIZATION, 1))
        while not (line := await response.content.readline()).startswith(b"id: "):
            pass
    position = line.decode().strip().removeprefix("id: ")
    await bus.publish(CREDENTIAL_EXPIRED, expired(ELSEWHERE, 2))
    await bus.publish(CREDENTIAL_EXPIRED, expired(ORGANIZATION, 3))

    events = follow(url, OWNER_KEY, position)
    event = await asyncio.to_thread(next, events)
    await asyncio.to_thread(events.close)

    assert event.name == "provider.credential_expired"
    assert event.data["credential_version"] == 3


async def test_the_example_goes_on_when_an_answer_breaks_off_amid_an_event() -> None:
    begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = b"id: 2\nevent: call.finished\ndata: {}\n\n"
    answers = [b"ff\r\nid: 1\nevent: call", b"%x\r\n%b\r\n" % (len(whole), whole)]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begun + answers.pop(0))
        writer.close()

    follow: Any = runpy.run_path(str(EXAMPLE))["follow"]
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        events = follow(f"http://127.0.0.1:{port}", OWNER_KEY)
        event = await asyncio.to_thread(next, events)
        await asyncio.to_thread(events.close)

    assert (event.position, event.name) == ("2", "call.finished")
