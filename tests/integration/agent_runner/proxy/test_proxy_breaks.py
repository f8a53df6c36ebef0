import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from ag2trust.waiting import until
from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step
from shared.contracts.metrics import CallRecord, CallStatus, Usage

from .proxying import HELLO, KEY, MODEL, Proxy, open_proxy
from .raw_agent import chat, raw_agent, request
from .raw_provider import (
    CHUNKS,
    DONE,
    EVENT_STREAM,
    Conversation,
    chunk,
    raw_provider,
    whole,
)

LAST_CHUNK = b"0\r\n\r\n"
FRAMES = ("one", "two", "three")
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
BILL = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n'
RUNNING = (
    b'data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}],'
    b'"usage":{"prompt_tokens":7,"completion_tokens":1}}\n\n'
)

Answer = Callable[[Conversation], Awaitable[None]]


def saying(*events: bytes, ends: bool) -> Answer:
    """Stream *events*, and end the answer properly or close the connection."""

    async def answer(asked: Conversation) -> None:
        asked.say(EVENT_STREAM, *map(chunk, events), LAST_CHUNK if ends else b"")

    return answer


def hanging_after(*events: bytes) -> Answer:
    async def answer(asked: Conversation) -> None:
        asked.say(EVENT_STREAM, *map(chunk, events))
        await asked.until_left()

    return answer


async def silent(asked: Conversation) -> None:
    await asked.until_left()


async def contents(client: AsyncOpenAI, seen: list[str | None]) -> None:
    """Append the content of every choice streamed, until the stream ends or breaks."""
    stream = await client.chat.completions.create(
        model=MODEL, messages=[HELLO], stream=True
    )
    async for each in stream:
        seen.extend(choice.delta.content for choice in each.choices)


def code_of(record: CallRecord) -> str | None:
    return record.explanation.code if record.explanation else None


@pytest.mark.parametrize(
    ("count", "seen"),
    [
        (0, []),
        (1, [""]),
        (3, ["", "one", "two"]),
        (99, ["", "one", "two", "three", None]),
    ],
)
async def test_a_cut_stream_is_cut_for_the_sdk_and_recorded(
    proxy: Proxy, sandbox: Sandbox, count: int, seen: list[str | None]
) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.CUT_AFTER_FRAMES, after_frames=count))
    got: list[str | None] = []

    with pytest.raises(openai.APIConnectionError):
        await contents(proxy.client(), got)

    assert got == seen
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.http_status == 200
    assert code_of(record) == "STREAM_INTERRUPTED"


async def test_the_sync_sdk_sees_the_cut_too(proxy: Proxy, sandbox: Sandbox) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.CUT_BEFORE_USAGE))
    client = proxy.sync_client()

    def read() -> None:
        with client:
            list(
                client.chat.completions.create(
                    model=MODEL, messages=[HELLO], stream=True
                )
            )

    with pytest.raises(openai.APIConnectionError):
        await asyncio.to_thread(read)

    assert code_of(await proxy.settled_one()) == "STREAM_INTERRUPTED"


async def test_a_connection_cut_before_the_answer_is_an_error_of_the_provider(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(fault=Fault.CUT_BEFORE_FIRST_BYTE))

    with pytest.raises(openai.InternalServerError):
        await contents(proxy.client(), [])

    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert code_of(record) == "UPSTREAM_UNREACHABLE"


@pytest.mark.parametrize(
    ("events", "is_whole", "status", "code"),
    [
        ([*CHUNKS, FINISH, BILL, DONE], True, CallStatus.COMPLETED, None),
        ([*CHUNKS, FINISH, BILL], True, CallStatus.COMPLETED, None),
        ([*CHUNKS, FINISH], True, CallStatus.COMPLETED, None),
        ([*CHUNKS, b"data: [DONE]\n"], True, CallStatus.COMPLETED, None),
        ([*CHUNKS], False, CallStatus.FAILED, "STREAM_INTERRUPTED"),
        ([*CHUNKS, FINISH[:-10]], False, CallStatus.FAILED, "STREAM_INTERRUPTED"),
        ([], False, CallStatus.FAILED, "STREAM_INTERRUPTED"),
    ],
)
async def test_a_clean_end_is_passed_on_only_where_the_answer_is_whole(
    spool_folder: Path,
    events: list[bytes],
    *,
    is_whole: bool,
    status: CallStatus,
    code: str | None,
) -> None:
    async with (
        raw_provider(saying(*events, ends=True)) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat())) as agent,
    ):
        if is_whole:
            await agent.until(LAST_CHUNK)
        else:
            assert not (await agent.until_closed()).endswith(LAST_CHUNK)

        record = await proxy.settled_one()
        assert record.status is status
        assert code_of(record) == code


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_broken_stream_ends_without_the_last_chunk(
    spool_folder: Path, *, is_reset: bool
) -> None:
    has_arrived = asyncio.Event()

    async def answer(asked: Conversation) -> None:
        asked.say(EVENT_STREAM, *map(chunk, CHUNKS))
        await has_arrived.wait()
        if is_reset:
            asked.reset()

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat())) as agent,
    ):
        await agent.until(CHUNKS[-1])
        has_arrived.set()

        arrived = await agent.until_closed()

        assert arrived.count(b"HTTP/1.1") == 1
        assert not arrived.endswith(LAST_CHUNK)
        record = await proxy.settled_one()
        assert record.status is CallStatus.FAILED
        assert code_of(record) == "STREAM_INTERRUPTED"


async def test_a_slow_agent_sees_the_break_behind_all_that_came_before(
    spool_folder: Path,
) -> None:
    events = [b"data: %06d%b\n\n" % (n, b"x" * 1000) for n in range(5000)]
    async with (
        raw_provider(saying(*events, ends=False)) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat()), has_small_buffers=True) as agent,
    ):
        await agent.until(events[0])

        arrived = await agent.until_closed()

        assert not arrived.endswith(LAST_CHUNK)
        # What the HTTP client held when the break came is lost, nothing before it.
        passed = [each for each in events if each in arrived]
        assert passed == events[: len(passed)]
        assert len(passed) > 4500
        assert code_of(await proxy.settled_one()) == "STREAM_INTERRUPTED"


async def test_usage_that_came_before_the_break_is_counted(
    spool_folder: Path,
) -> None:
    answer = saying(*CHUNKS, FINISH, BILL, ends=False)
    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(
            proxy, request(proxy, chat(stream_options={"include_usage": True}))
        ) as agent,
    ):
        arrived = await agent.until_closed()

        assert BILL in arrived
        assert not arrived.endswith(LAST_CHUNK)
        record = await proxy.settled_one()
        assert record.status is CallStatus.FAILED
        assert code_of(record) == "STREAM_INTERRUPTED"
        assert record.usage == Usage(input_tokens=7, output_tokens=3)


async def test_a_stream_that_falls_silent_is_cut(spool_folder: Path) -> None:
    async with (
        raw_provider(hanging_after(*CHUNKS)) as provider,
        open_proxy(
            spool_folder, provider.base_url, silence=timedelta(seconds=1)
        ) as proxy,
        raw_agent(proxy, request(proxy, chat())) as agent,
    ):
        arrived = await agent.until_closed()

        assert CHUNKS[-1] in arrived
        assert not arrived.endswith(LAST_CHUNK)
        record = await proxy.settled_one()
        assert record.status is CallStatus.FAILED
        assert code_of(record) == "TIMEOUT"
        await provider.until_left(seconds=20)


@pytest.mark.parametrize(
    "step",
    [
        Step(
            fault=Fault.ERROR_EVENT_AT_HEAD,
            error=ErrorDetail(code="server_is_overloaded"),
        ),
        Step(
            content=FRAMES,
            fault=Fault.ERROR_EVENT_AFTER_FRAMES,
            after_frames=2,
            error=ErrorDetail(code="server_is_overloaded"),
        ),
    ],
)
async def test_an_error_in_a_stream_is_raised_and_recorded(
    proxy: Proxy, sandbox: Sandbox, step: Step
) -> None:
    sandbox.play(step)
    got: list[str | None] = []

    with pytest.raises(openai.APIError) as raised:
        await contents(proxy.client(), got)

    assert type(raised.value) is openai.APIError
    assert raised.value.code == "server_is_overloaded"
    assert len(got) == (step.after_frames or 0)
    record = await proxy.settled_one()
    assert record.status is CallStatus.FAILED
    assert record.http_status == 200
    assert record.explanation is not None
    assert record.explanation.code == "OVERLOADED"
    assert record.explanation.provider_error == "server_is_overloaded"


async def test_an_event_that_is_no_json_passes_as_it_came(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=FRAMES, fault=Fault.MALFORMED_FRAME, after_frames=2))

    with pytest.raises(json.JSONDecodeError):
        await contents(proxy.client(), [])

    assert (await proxy.settled_one()).status in {
        CallStatus.COMPLETED,
        CallStatus.CANCELLED,
    }


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_an_agent_that_leaves_before_the_first_byte_ends_the_call(
    spool_folder: Path, *, is_streamed: bool
) -> None:
    async with (
        raw_provider(silent) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat(stream=is_streamed))) as agent,
    ):
        await provider.until_asked()

        agent.leave()

        await provider.until_left(seconds=20)
        record = await proxy.settled_one()
        assert record.status is CallStatus.CANCELLED
        assert record.http_status is None
        assert record.explanation is None


async def test_an_agent_that_leaves_in_the_middle_ends_the_call(
    spool_folder: Path,
) -> None:
    async with (
        raw_provider(hanging_after(*CHUNKS)) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        stream = await proxy.client().chat.completions.create(
            model=MODEL, messages=[HELLO], stream=True
        )
        await anext(aiter(stream))

        await stream.close()

        await provider.until_left(seconds=20)
        record = await proxy.settled_one()
        assert record.status is CallStatus.CANCELLED
        assert record.http_status == 200


async def test_an_agent_that_leaves_an_answer_in_one_piece_ends_the_call(
    spool_folder: Path,
) -> None:
    half_is_sent = asyncio.Event()

    async def answer(asked: Conversation) -> None:
        asked.say(whole(b'{"id":"c"}')[:-5])
        half_is_sent.set()
        await asked.until_left()

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat(stream=False))) as agent,
    ):
        await half_is_sent.wait()

        agent.leave()

        await provider.until_left(seconds=20)
        assert (await proxy.settled_one()).status is CallStatus.CANCELLED


@pytest.mark.parametrize(
    ("last", "counted"),
    [
        (RUNNING, Usage(input_tokens=7, output_tokens=1)),
        (FINISH + BILL, Usage(input_tokens=7, output_tokens=3)),
    ],
)
async def test_what_a_cancelled_call_used_is_counted_as_far_as_it_is_known(
    spool_folder: Path, last: bytes, counted: Usage
) -> None:
    async with (
        raw_provider(hanging_after(last)) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat())) as agent,
    ):
        await agent.until(b'"choices"')

        agent.leave()

        record = await proxy.settled_one()
        assert record.status is CallStatus.CANCELLED
        assert record.usage == counted


async def test_an_agent_that_leaves_after_the_end_takes_nothing_back(
    spool_folder: Path,
) -> None:
    async with (
        raw_provider(hanging_after(*CHUNKS, FINISH, BILL, DONE)) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, chat())) as agent,
    ):
        await agent.until(DONE)

        agent.leave()

        await provider.until_left(seconds=20)
        assert (await proxy.settled_one()).status is CallStatus.COMPLETED


async def test_an_agent_that_leaves_while_it_asks_makes_no_call(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    async with raw_agent(proxy, request(proxy, chat())[:-10]) as agent:
        agent.leave()
        await proxy.ask("models", method="GET")

    assert sandbox.request_count == 0
    assert proxy.records() == []


async def test_an_agent_that_leaves_ends_the_upload_for_it(
    spool_folder: Path,
) -> None:
    large = chat(messages=[{"role": "user", "content": "x" * (20 * 1024 * 1024)}])
    call_is_over = asyncio.Event()
    uploaded = bytearray()

    async def answer(asked: Conversation) -> None:
        await call_is_over.wait()
        while data := await asked.reader.read(1 << 20):
            uploaded.extend(data)

    async with (
        raw_provider(answer, reads_body=False) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
        raw_agent(proxy, request(proxy, large)) as agent,
    ):
        await provider.until_asked()

        agent.leave()

        assert (await proxy.settled_one()).status is CallStatus.CANCELLED
        call_is_over.set()
        await provider.until_left(seconds=20)
        assert len(uploaded) < len(large)


async def test_an_agent_that_stops_reading_is_given_up(spool_folder: Path) -> None:
    async def answer(asked: Conversation) -> None:
        asked.say(EVENT_STREAM)
        with suppress(ConnectionError):
            while True:
                asked.say(chunk(CHUNKS[0] * 1000))
                await asked.writer.drain()

    async with (
        raw_provider(answer) as provider,
        open_proxy(
            spool_folder, provider.base_url, patience=timedelta(seconds=0.3)
        ) as proxy,
        raw_agent(proxy, request(proxy, chat()), has_small_buffers=True),
    ):
        record = await proxy.settled_one()

        assert record.status is CallStatus.CANCELLED
        await provider.until_left(seconds=20)
        # What lies unread does not keep the connection: it is not even flushed.
        await until(
            "nobody connected",
            lambda: proxy.doors.connections,
            lambda connected: not connected,
        )


async def test_two_requests_in_one_packet_are_answered_one_after_the_other(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    both = request(proxy, chat()) + request(proxy, chat(stream=False))
    async with raw_agent(proxy, both) as agent:
        records = await proxy.settled(2)

        await agent.until(b'"object":"chat.completion",')
        assert [each.is_streamed for each in records] == [True, False]
        assert sandbox.request_count == 2
        assert agent.arrived.index(DONE) < agent.arrived.index(b"HTTP/1.1", 1)


async def test_the_key_of_a_connection_is_that_of_each_request(
    proxy: Proxy,
) -> None:
    wrong = request(proxy, chat()).replace(KEY.encode(), b"sk-another")
    async with raw_agent(proxy, request(proxy, chat()) + wrong) as agent:
        await agent.until(b"credential_mismatch")

    assert len(proxy.records()) == 1
