"""Answers and events as they come, also over connections that break off."""

import json
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web

from ag2trust_client import (
    Answer,
    Client,
    Delta,
    Event,
    Lines,
    Restart,
    UnauthenticatedError,
)
from ag2trust_client.models import MessageSubmission
from ag2trust_client.server_sent import ServerSent, server_sent

from .gateway import Answer as Answering
from .gateway import json_answer, refusal, serving
from .objects import AGENT_ID, MESSAGE_ID, MESSAGE_JSON

KEY = "cust_" + "k" * 40
BODY = MessageSubmission(content="Hello?")


def streaming(*frames: str, breaks_off: bool = False) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "X-Ag2trust-Message-Id": str(MESSAGE_ID),
            }
        )
        await response.prepare(request)
        for frame in frames:
            await response.write(frame.encode())
        if breaks_off and request.transport is not None:
            request.transport.close()
        return response

    return answer


def frame(name: str, data: Any, id_: str = "") -> str:
    said = f"id: {id_}\n" if id_ else ""
    return f"{said}event: {name}\ndata: {json.dumps(data)}\n\n"


async def test_an_answer_comes_in_pieces_and_last_the_whole() -> None:
    answer = streaming(
        frame("delta", {"content": "Goo"}),
        frame("restart", {}),
        ": ping\n\n",
        frame("delta", {"content": "Good day."}),
        frame("completed", MESSAGE_JSON),
    )
    async with serving(answer) as gateway, Client(gateway.url, KEY) as client:
        pieces = [each async for each in client.streamed_ask("helper", BODY)]

    assert pieces[:3] == [Delta("Goo"), Restart(), Delta("Good day.")]
    assert isinstance(pieces[3], Answer)
    assert pieces[3].message.content == "Good day."
    assert json.loads(gateway.asked[0].body) == {"content": "Hello?", "stream": True}


async def test_an_answer_whose_stream_breaks_off_is_read_from_the_record() -> None:
    broken = streaming(frame("delta", {"content": "Goo"}), breaks_off=True)
    async with (
        serving(broken, json_answer(MESSAGE_JSON)) as gateway,
        Client(gateway.url, KEY) as client,
    ):
        pieces = [each async for each in client.streamed_message(AGENT_ID, BODY)]

    assert pieces[0] == Delta("Goo")
    assert isinstance(pieces[1], Answer)
    assert gateway.asked[1].path == f"/api/messages/{MESSAGE_ID}"


async def test_an_answer_may_be_longer_than_the_reader_of_lines_takes() -> None:
    told = {**MESSAGE_JSON, "content": "x" * 600_000}
    async with (
        serving(streaming(frame("completed", told))) as gateway,
        Client(gateway.url, KEY) as client,
    ):
        [answer] = [each async for each in client.streamed_ask("helper", BODY)]

    assert isinstance(answer, Answer)
    assert answer.message.content == told["content"]


async def test_a_slug_is_one_part_of_a_path_whatever_is_in_it() -> None:
    streamed = streaming(frame("completed", MESSAGE_JSON))
    async with (
        serving(streamed, json_answer(MESSAGE_JSON)) as gateway,
        Client(gateway.url, KEY) as client,
    ):
        async for _ in client.streamed_ask("../agents?a=b", BODY):
            pass
        await client.ask("../agents?a=b", BODY)

    assert [each.path for each in gateway.asked] == ["/api/ask/../agents?a=b"] * 2


async def test_events_go_on_after_the_last_one_that_came() -> None:
    first = streaming(frame("call.finished", {"n": 1}, "7"), breaks_off=True)
    second = streaming(frame("call.finished", {"n": 2}, "8"))
    async with serving(first, second) as gateway, Client(gateway.url, KEY) as client:
        events = client.events("6", come_back_seconds=0)
        told = [await anext(events) for _ in range(2)]

    assert told == [
        Event("7", "call.finished", {"n": 1}),
        Event("8", "call.finished", {"n": 2}),
    ]
    assert [each.headers["Last-Event-ID"] for each in gateway.asked] == ["6", "7"]


async def test_events_go_on_when_there_is_room_again() -> None:
    async def apologizes(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Bad gateway</h1>", status=502)

    told = streaming(frame("call.finished", {"n": 1}, "7"))
    async with (
        serving(apologizes, refusal(429, "RATE_LIMITED"), told) as gateway,
        Client(gateway.url, KEY) as client,
        aclosing(client.events(come_back_seconds=0)) as events,
    ):
        event = await anext(events)

    assert event == Event("7", "call.finished", {"n": 1})


async def test_lines_of_an_agent_go_on_where_they_broke_off_until_it_is_deleted() -> (
    None
):
    told = [{"lines": [each], "has_skipped": each == "b"} for each in "ab"]
    first = streaming(frame("lines", told[0], "o:1"), breaks_off=True)
    second = streaming(frame("lines", told[1], "o:9"), frame("deleted", {}))
    async with serving(first, second) as gateway, Client(gateway.url, KEY) as client:
        logs = client.followed_logs(AGENT_ID, come_back_seconds=0)
        heard = [each async for each in logs]

    assert heard == [Lines(("a",), has_skipped=False), Lines(("b",), has_skipped=True)]
    assert gateway.asked[0].query == [("follow", "true")]
    assert gateway.asked[1].headers["Last-Event-ID"] == "o:1"


async def test_events_end_with_the_right_to_see_them() -> None:
    async with (
        serving(refusal(401, "INVALID_API_KEY")) as gateway,
        Client(gateway.url, KEY) as client,
    ):
        with pytest.raises(UnauthenticatedError):
            await anext(client.events())


async def test_an_event_has_the_lines_of_its_data_and_the_last_id() -> None:
    async def lines() -> Any:
        text = b"retry: 1\nid: 1\ndata: a\ndata: b\n\ndata:c\n\nevent: x\n\ndata: cut"
        for line in text.splitlines(keepends=True):
            yield line

    told = [each async for each in server_sent(lines())]

    assert told == [ServerSent("1", "message", "a\nb"), ServerSent("1", "message", "c")]


async def test_a_comment_ends_no_event() -> None:
    async def lines() -> Any:
        for line in (b"data: a\n", b":\n", b": ping\n", b"data: b\n", b"\n"):
            yield line

    told = [each async for each in server_sent(lines())]

    assert told == [ServerSent(None, "message", "a\nb")]
