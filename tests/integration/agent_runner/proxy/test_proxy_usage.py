import asyncio
import json
import socket
from pathlib import Path

import pytest
from openai.types.chat import ChatCompletionChunk

from ag2trust_sandbox import Sandbox, Step, ToolCall, UsagePlace
from ag2trust_sandbox import Usage as Sent
from agent_runner.hosted_agents import MessageInHand
from shared.contracts.metrics import CallStatus, Usage, UsageSource
from shared.ids import new_id

from .proxying import HELLO, KEY, MODEL, Proxy
from .spool_check import settled_on_disk

SENT = Sent(
    prompt_tokens=100, completion_tokens=50, cached_tokens=80, reasoning_tokens=30
)
COUNTED = Usage(
    input_tokens=20,
    cached_input_tokens=80,
    cache_write_5m_tokens=0,
    output_tokens=50,
    reasoning_tokens=30,
    service_tier="default",
)
ZERO = Sent(prompt_tokens=0)
NOTHING = Usage(
    input_tokens=0,
    cached_input_tokens=0,
    cache_write_5m_tokens=0,
    output_tokens=0,
    reasoning_tokens=0,
    service_tier="default",
)


async def streamed(proxy: Proxy, **options: object) -> list[ChatCompletionChunk]:
    stream = await proxy.client().chat.completions.create(
        model=MODEL, messages=[HELLO], stream=True, extra_body=options
    )
    return [chunk async for chunk in stream]


async def raw_stream(proxy: Proxy, **options: object) -> bytes:
    body = {"model": MODEL, "messages": [HELLO], "stream": True, **options}
    return (await proxy.ask("chat/completions", json.dumps(body).encode())).body


async def straight(sandbox: Sandbox, proxy: Proxy, **options: object) -> list[str]:
    """Give the events that the provider sent for the same question, ids aside."""
    proxy_url, proxy.port = proxy.port, sandbox.port
    body = {"model": MODEL, "messages": [HELLO], "stream": True, **options}
    answer = await proxy.ask("/v1/chat/completions", json.dumps(body).encode())
    proxy.port = proxy_url
    return events(answer.body)


def events(stream: bytes) -> list[str]:
    """Split a stream into its events, without what differs from call to call."""
    return [_same(each) for each in stream.decode().split("\n\n")]


def _same(event: str) -> str:
    if not event.startswith("data: {"):
        return event
    chunk = json.loads(event[6:])
    return json.dumps({**chunk, "id": "", "created": 0})


@pytest.mark.parametrize(
    ("step", "counted", "source"),
    [
        (Step(content="x", usage=SENT), COUNTED, UsageSource.REPORTED),
        (Step(content="x", usage=ZERO), NOTHING, UsageSource.REPORTED),
        (
            Step(content="x", usage_place=UsagePlace.NOWHERE),
            Usage(),
            UsageSource.NONE,
        ),
        (
            Step(content="x", usage=Sent(prompt_tokens=-1)),
            Usage(),
            UsageSource.REFUSED,
        ),
        (
            Step(content="x", usage=Sent(prompt_tokens=2**63)),
            Usage(),
            UsageSource.REFUSED,
        ),
        (
            Step(content="x", usage=Sent(prompt_tokens=1, cached_tokens=2)),
            Usage(),
            UsageSource.REFUSED,
        ),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_usage_is_counted_as_reported_or_not_at_all(
    *,
    proxy: Proxy,
    sandbox: Sandbox,
    step: Step,
    counted: Usage,
    source: UsageSource,
    is_streamed: bool,
) -> None:
    sandbox.play(step)

    if is_streamed:
        await streamed(proxy)
    else:
        await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])

    record = await proxy.settled_one()
    assert record.status is CallStatus.COMPLETED
    assert record.is_streamed is is_streamed
    assert record.usage == counted
    assert record.usage_source is source


async def test_usage_on_the_last_choice_is_counted_and_stays(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content="x", usage=SENT, usage_place=UsagePlace.LAST_CHOICE))

    chunks = await streamed(proxy)

    assert (await proxy.settled_one()).usage == COUNTED
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 100


async def test_an_embedding_is_counted_without_output(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(usage=Sent(prompt_tokens=7)))

    answer = await proxy.client().embeddings.create(model=MODEL, input=["a", "b"])

    record = await proxy.settled_one()
    assert len(answer.data) == 2
    assert record.endpoint == "embeddings"
    assert record.usage == Usage(input_tokens=7)
    assert not record.is_streamed


async def test_who_did_not_ask_for_usage_gets_all_but_that_chunk(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(Step(content=("one ", "two"), usage=SENT, repeat=2))

    through_us = events(await raw_stream(proxy))

    asking = {"stream_options": {"include_usage": True}}
    *chunks, bill, done, rest = await straight(sandbox, proxy, **asking)
    assert json.loads(bill[6:] if bill.startswith("data") else bill)["choices"] == []
    assert through_us == [*chunks, done, rest]
    assert (await proxy.settled_one()).usage == COUNTED


@pytest.mark.parametrize(
    "step",
    [
        Step(content=("one ", "two"), usage=SENT, repeat=2),
        Step(content="x", usage_place=UsagePlace.LAST_CHOICE, repeat=2),
        Step(content="x", usage_place=UsagePlace.NOWHERE, repeat=2),
        Step(tool_calls=(ToolCall(name="f", arguments='{"usage": {}}'),), repeat=2),
        Step(content='{"choices": [], "usage": {"prompt_tokens": 1}} [DONE]', repeat=2),
    ],
)
async def test_who_asked_for_usage_gets_every_event_as_it_was_sent(
    proxy: Proxy, sandbox: Sandbox, step: Step
) -> None:
    sandbox.play(step)
    asking = {"stream_options": {"include_usage": True}}

    through_us = events(await raw_stream(proxy, **asking))

    # A tool call's id has the answer's in it.
    sent = await straight(sandbox, proxy, **asking)
    assert len(through_us) == len(sent)
    if not step.tool_calls:
        assert through_us == sent


async def test_the_call_is_on_disk_before_its_end_can_be_read(
    proxy: Proxy, sandbox: Sandbox, spool_folder: Path
) -> None:
    # Frame by frame: what comes in one piece leaves in one, when the call is settled.
    sandbox.play(Step(content=("one ", "two"), usage=SENT, pace_seconds=0.3))
    body = json.dumps(
        {
            "model": MODEL,
            "messages": [HELLO],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ).encode()
    with socket.create_connection(("127.0.0.1", proxy.port)) as agent:
        agent.setblocking(False)  # noqa: FBT003  the name of a system call's argument
        arrived = bytearray()
        # What has been written by then lies in our socket, readable at once.
        proxy.spool.before_settling = lambda: arrived.extend(agent.recv(1 << 20))
        agent.sendall(
            b"POST %b/chat/completions HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (proxy.path.encode(), KEY.encode(), len(body), body)
        )

        await proxy.settled_one()

        assert b'"content":"two"' in arrived
        assert b'"prompt_tokens"' not in arrived
        assert b"[DONE]" not in arrived
        assert [each.usage for each in settled_on_disk(spool_folder)] == [COUNTED]
        loop = asyncio.get_running_loop()
        while b"[DONE]" not in arrived:
            arrived += await loop.sock_recv(agent, 1 << 20)
        assert arrived.index(b'"prompt_tokens"') < arrived.index(b"[DONE]")


async def test_an_answer_in_one_piece_is_on_disk_before_its_first_byte(
    proxy: Proxy, spool_folder: Path
) -> None:
    client = proxy.sync_client()

    def ask() -> list[CallStatus]:
        client.chat.completions.create(model=MODEL, messages=[HELLO])
        return [each.status for each in settled_on_disk(spool_folder)]

    with client:
        assert await asyncio.to_thread(ask) == [CallStatus.COMPLETED]


async def test_only_streams_have_a_first_token(proxy: Proxy, sandbox: Sandbox) -> None:
    sandbox.play(Step(content=("a", "b", "c"), pace_seconds=0.05, repeat=2))

    await proxy.client().chat.completions.create(model=MODEL, messages=[HELLO])
    await streamed(proxy)

    whole, stream = await proxy.settled(2)
    assert whole.time_to_first_token_ms is None
    # The role is sent at once, the first word a pace later, the end three more.
    assert stream.time_to_first_token_ms is not None
    assert stream.duration_ms is not None
    assert 50 <= stream.time_to_first_token_ms <= stream.duration_ms - 100


async def test_a_message_is_told_what_its_calls_used(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    sandbox.play(
        Step(content="x", usage=SENT),
        Step(status=500),
        Step(content="x", usage_place=UsagePlace.NOWHERE),
    )
    in_hand = MessageInHand(new_id(), new_id())
    proxy.agent.in_hand = in_hand
    body = {"model": MODEL, "messages": [HELLO]}

    for _ in range(3):
        await proxy.ask("chat/completions", json.dumps(body).encode())

    assert [each.message_id for each in proxy.records()] == [in_hand.message_id] * 3
    assert in_hand.usage.calls == 3
    assert in_hand.usage.input_tokens == 100
    assert in_hand.usage.output_tokens == 50
    assert in_hand.usage.total_tokens == 150
